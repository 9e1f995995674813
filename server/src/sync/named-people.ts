/**
 * Some people, asked for by name: what WeCom says about each, who of the others here may be the same person, and the
 * address book as if nobody else existed, read by the very rules by which a run reads everybody. Called by explain.ts and
 * hearing.ts.
 */
import { WecomError, type CallOptions, type Member } from '@muster/wecom'
import type { Database, Row } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import { foldName } from '../directory/names.ts'
import { mappingSettings, type SyncSource } from './carrying-out.ts'
import { mapMember } from './plan/mapping.ts'
import { contactsOf, type KnownLink, type KnownLinks } from './plan/matching.ts'
import type { CompiledMapping } from './plan/rules.ts'
import { inParallel } from './read/asking.ts'
import { confirmGone } from './read/confirmation.ts'
import { readAddressBook, type Reading } from './read/reader.ts'
import { createSnapshot, type Snapshot } from './read/snapshot.ts'
import { showingOnly, type Answer } from './read/some-people.ts'

/** How WeCom is asked, and until when. */
export type Calls = CallOptions & { readonly signal: AbortSignal }

/** What WeCom says about each of them, by folded userid. What is not about them is an answer, too. */
export async function askByName(
  { principal }: Pick<SyncSource, 'principal'>,
  userids: readonly string[],
  calls: Calls,
): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>()
  const once = [...new Map(userids.map((userid) => [foldName(userid), userid])).values()]
  await inParallel(once, calls.signal, async (userid) => {
    answers.set(foldName(userid), await answerOf(() => principal.members.get(userid, calls)))
  })
  return answers
}

async function answerOf(question: () => Promise<Member>): Promise<Answer> {
  try {
    return await question()
  } catch (error) {
    if (error instanceof WecomError) return error
    throw error
  }
}

const ABOUT_PEOPLE: readonly string[] = ['not-found', 'scope']

/** Whether asking further makes sense: about the person, or a refusal that a run may know a way around. */
export function mayGoOn(error: WecomError): boolean {
  return ABOUT_PEOPLE.includes(error.kind) || isIdsOnly(error)
}

/** Whether a credential that refuses so may know who there is all the same. */
export function isIdsOnly(error: WecomError): boolean {
  return error.kind === 'permission' || error.code === 'WECOM_CONTACTS_ADDRESS_NEW'
}

/**
 * Members here who have the number or an address of somebody without a link: a run asks whether they were renamed. One
 * of them who has left as well changes the answer, so they are part of the scene.
 */
export async function lookalikes(
  database: Database,
  source: SyncSource,
  mapping: CompiledMapping,
  newcomers: readonly Member[],
): Promise<string[]> {
  if (newcomers.length === 0) return []
  const contacts = newcomers.flatMap((member) =>
    contactsOf(
      mapMember(member, () => 'visible', mappingSettings(source.settings, mapping)),
      source.settings.syntheticEmailDomain,
    ),
  )
  const holders = await comparison.contactHolders(database, source, {
    phones: valuesOf(contacts, 'phone '),
    emailKeys: valuesOf(contacts, 'email '),
  })
  return holders.flatMap(({ userid_key }) => userid_key ?? [])
}

function valuesOf(contacts: readonly string[], prefix: string): string[] {
  return contacts.flatMap((contact) => (contact.startsWith(prefix) ? [contact.slice(prefix.length)] : []))
}

/** What a run would see of these people, if there were nobody else. */
export interface Scene {
  readonly reading: Reading
  readonly snapshot: Snapshot
  readonly links: KnownLinks
  /** Folded userids that WeCom calls gone. */
  readonly gone: ReadonlySet<string>
}

/**
 * @param links of those who are here
 * @throws WecomError when the departments could not be read
 */
export async function readScene(
  source: SyncSource,
  mapping: CompiledMapping,
  answers: ReadonlyMap<string, Answer>,
  links: KnownLinks,
  calls: Calls,
): Promise<Scene> {
  const { signal } = calls
  const builder = createSnapshot(links, mappingSettings(source.settings, mapping))
  const scene = {
    ...source,
    principal: showingOnly(source.principal, answers, calls),
    contacts: source.contacts && showingOnly(source.contacts, answers, calls),
  }
  const reading = await readAddressBook(scene, builder, {
    signal,
    onProgress: () => {},
    onChoice: () => Promise.resolve(),
  })
  const unseen = [...answers.keys()].filter((one) => !builder.wasSeen(one))
  const { gone } = await confirmGone(scene, reading, unseen, signal)
  return { reading, snapshot: builder.finish(), links, gone }
}

export function knownLinks(links: readonly Row<'links'>[]): Map<string, KnownLink> {
  return new Map(
    links.map(({ id, userid_key, user_id, source_hash }, place) => [
      userid_key,
      { id, userId: user_id, hash: source_hash, place },
    ]),
  )
}
