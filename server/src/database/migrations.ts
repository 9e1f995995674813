/**
 * The numbered history of the schema. A migration that has been released is never edited; the next one changes what it
 * made. Every index names the query it is for.
 */
import { CompiledQuery, type Kysely } from 'kysely'
import type { Migration, MigrationProvider } from 'kysely/migration'
import type { Executor } from './bulk.ts'

type Dialect = Executor['dialect']

/** In the order in which they run. */
export function migrationNames(): string[] {
  return Object.keys(history).sort()
}

/** The migrations in the words of one dialect. */
export function migrationsFor(dialect: Dialect): MigrationProvider {
  return {
    async getMigrations() {
      return Object.fromEntries(Object.entries(history).map(([name, step]) => [name, migration(step, dialect)]))
    },
  }
}

function migration(step: (words: Words) => string[], dialect: Dialect): Migration {
  return {
    async up(database: Kysely<unknown>) {
      for (const statement of step(words[dialect])) await database.executeQuery(CompiledQuery.raw(statement))
    },
  }
}

interface Words {
  int: string
  /** A table whose rows are worth nothing after a crash: PostgreSQL writes no log for it and empties it then. */
  transient: string
  /** Ends a `create table`: SQLite checks the type of every value only in strict tables. */
  end: string
  /** The same for a table of many small rows that is read in the order of its key: SQLite keeps the rows in the key. */
  endInKey: string
}

const words: Record<Dialect, Words> = {
  sqlite: { int: 'integer', transient: 'table', end: ') strict', endInKey: ') strict, without rowid' },
  postgres: { int: 'bigint', transient: 'unlogged table', end: ')', endInKey: ')' },
}

const history: Record<string, (words: Words) => string[]> = {
  '0001-directory-and-sync': ({ int, end }) => [
    `create table installation (
      name text primary key,
      value text not null
    ${end}`,

    `create table organizations (
      id text primary key,
      slug text not null,
      name text not null,
      built_in_users_allowed ${int} not null,
      created_at ${int} not null,
      updated_at ${int} not null
    ${end}`,
    `create unique index organizations_slug on organizations (slug)`,

    `create table connections (
      id text primary key,
      organization_id text not null references organizations (id),
      identifier text not null,
      kind text not null,
      display_name text not null,
      corp_id text,
      agent_id ${int},
      secret_sealed text,
      contacts_secret_sealed text,
      suite_id text,
      suite_secret_sealed text,
      provider_corp_id text,
      provider_secret_sealed text,
      callback_token_sealed text,
      callback_aes_key_sealed text,
      mobile text not null,
      sign_in_enabled ${int} not null,
      sign_in text not null,
      sync_enabled ${int} not null,
      sync text not null,
      managed_by_environment ${int} not null,
      created_at ${int} not null,
      updated_at ${int} not null
    ${end}`,
    `create unique index connections_identifier on connections (identifier)`,
    // The rule itself, and not only a query: one connection of an organization owns directory sync.
    `create unique index connections_sync_owner on connections (organization_id) where sync_enabled = 1`,

    `create table departments (
      id text primary key,
      organization_id text not null references organizations (id),
      parent_id text references departments (id),
      name text not null,
      name_en text,
      position ${int} not null,
      leaders text not null,
      origin text not null,
      connection_id text references connections (id),
      corp_id text,
      external_id text,
      missing_since ${int},
      created_at ${int} not null,
      updated_at ${int} not null
    ${end}`,
    // Sync: the department of a WeCom id.
    `create unique index departments_external on departments (connection_id, corp_id, external_id)`,
    // Tree: the children of a department; roots of an organization.
    `create index departments_parent on departments (organization_id, parent_id)`,
    // Deletion of a department asks whether it is anybody's parent.
    `create index departments_parent_only on departments (parent_id)`,

    `create table users (
      id text primary key,
      organization_id text not null references organizations (id),
      username text not null,
      username_key text not null,
      display_name text not null,
      email text,
      email_key text,
      email_verified ${int} not null,
      email_source text,
      phone text,
      avatar_url text,
      title text,
      gender text,
      locale text,
      attributes text not null,
      status text not null,
      disabled_by text,
      deleted_by text,
      origin text not null,
      role text,
      password_hash text,
      last_sign_in_at ${int},
      created_at ${int} not null,
      updated_at ${int} not null,
      deleted_at ${int}
    ${end}`,
    // Names and addresses are unique among the living only: a tombstone must not block its successor.
    `create unique index users_username on users (organization_id, username_key) where status <> 'deleted'`,
    `create unique index users_email on users (organization_id, email_key) where email_key is not null and status <> 'deleted'`,
    // Lists: the people of an organization in the order of their creation, and by status.
    `create index users_status on users (organization_id, status, id)`,

    `create table memberships (
      user_id text not null references users (id),
      department_id text not null references departments (id),
      origin text not null,
      connection_id text references connections (id),
      is_main ${int} not null,
      position ${int} not null,
      is_leader ${int} not null,
      primary key (user_id, department_id, origin)
    ${end}`,
    // The people of a department.
    `create index memberships_department on memberships (department_id)`,

    `create table links (
      id text primary key,
      connection_id text not null references connections (id),
      corp_id text not null,
      userid text not null,
      userid_key text not null,
      open_userid text,
      user_id text not null references users (id),
      created_by text not null,
      source_hash text,
      leader_keys text not null,
      created_at ${int} not null,
      last_sign_in_at ${int}
    ${end}`,
    // The identity key of a member, ignoring case.
    `create unique index links_member on links (connection_id, corp_id, userid_key)`,
    // The links of a user; and one user is one member of a company.
    `create unique index links_user on links (user_id, connection_id, corp_id)`,

    `create table source_pages (
      connection_id text not null references connections (id),
      corp_id text not null,
      page text not null,
      digest text not null,
      userids text not null,
      primary key (connection_id, corp_id, page)
    ${end}`,

    `create table wecom_tokens (
      token_key text primary key,
      sealed text not null,
      expires_at ${int} not null
    ${end}`,

    `create table runs (
      id text primary key,
      organization_id text not null references organizations (id),
      connection_id text not null references connections (id),
      mode text not null,
      trigger_kind text not null,
      requested_by text,
      state text not null,
      origin_run_id text,
      started_at ${int} not null,
      finished_at ${int},
      phase text not null,
      progress_done ${int} not null,
      progress_total ${int} not null,
      strategy text,
      complete ${int} not null,
      counts text not null,
      api_calls ${int} not null,
      unread text not null,
      held text,
      error text,
      warnings text not null,
      owner text,
      lease_until ${int}
    ${end}`,
    // The rule: one active run per connection, over all processes.
    `create unique index runs_active on runs (connection_id) where state = 'running'`,
    // History of a connection, newest first.
    `create index runs_connection on runs (connection_id, id)`,

    `create table changes (
      run_id text not null references runs (id) on delete cascade,
      position ${int} not null,
      entity text not null,
      action text not null,
      state text not null,
      external_id text,
      target_id text,
      name text,
      before_fields text,
      after_fields text,
      reason text,
      error text,
      primary key (run_id, position)
    ${end}`,

    `create table api_tokens (
      id text primary key,
      name text not null,
      role text not null,
      token_hash text not null,
      created_by text,
      created_at ${int} not null,
      last_used_at ${int}
    ${end}`,
    `create unique index api_tokens_hash on api_tokens (token_hash)`,

    `create table audit (
      id text primary key,
      at ${int} not null,
      organization_id text,
      actor_kind text not null,
      actor_id text,
      actor_name text,
      action text not null,
      target_kind text,
      target_id text,
      target_name text,
      details text not null,
      address text,
      request_id text
    ${end}`,
    // "What happened to this one?"
    `create index audit_target on audit (target_id, id)`,
  ],

  '0002-reading-explained': ({ int }) => [
    `alter table runs add column reading text`,
    // What the lists showed is not known of those that were remembered before: they are read again.
    `delete from source_pages`,
    `alter table source_pages add column shown ${int} not null default 0`,
  ],

  '0003-take-over': ({ int }) => [`alter table runs add column takeovers ${int} not null default 0`],

  '0004-schedules': ({ int }) => [`alter table connections add column next_run_at ${int}`],
  '0005-undo-and-purge': ({ int, end }) => [
    `alter table changes add column inverse text`,
    `alter table runs add column only_user_id text`,
    `alter table users add column signed_out_at ${int}`,
    // Purge: tombstones by age.
    `create index users_tombstones on users (deleted_at) where status = 'deleted'`,
    // Purge: what somebody did themselves.
    `create index audit_users on audit (actor_id) where actor_kind = 'user'`,
    `create table purged_users (
      user_id text primary key,
      purged_at ${int} not null,
      traces text not null
    ${end}`,
  ],

  '0006-reviews': ({ int, end }) => [
    `create table reviews (
      id text primary key,
      organization_id text not null references organizations (id),
      connection_id text not null references connections (id),
      corp_id text not null,
      userid text not null,
      userid_key text not null,
      member_name text not null,
      reason text not null,
      candidates text not null,
      member text not null,
      state text not null,
      user_id text,
      former_user_id text,
      resolved_by text,
      resolved_at ${int},
      created_at ${int} not null
    ${end}`,
    // The rule: one open question about a member. Also: the open questions of a company.
    `create unique index reviews_open on reviews (connection_id, corp_id, userid_key) where state = 'open'`,
    // Runs: what was decided about a member before.
    `create index reviews_member on reviews (connection_id, corp_id, userid_key, id)`,
    // Lists: the questions of an organization.
    `create index reviews_organization on reviews (organization_id, id)`,
    `alter table changes add column review_id text`,
    `alter table links add column missing_since ${int}`,
    // Runs: who was missing from the last complete reading.
    `create index links_missing on links (connection_id, corp_id) where missing_since is not null`,
  ],

  '0007-refused-secrets': ({ int, end }) => [
    `create table refused_secrets (
      connection_id text not null references connections (id) on delete cascade,
      name text not null,
      version text not null,
      errcode ${int} not null,
      refused_at ${int} not null,
      primary key (connection_id, name)
    ${end}`,
  ],

  '0008-shared-budget': ({ int, transient, end }) => [
    `create ${transient} wecom_budgets (
      corp_id text primary key,
      version ${int} not null,
      state text not null
    ${end}`,
  ],

  '0009-timeline': () => [
    // Timeline: what runs did with one person.
    `create index changes_target on changes (target_id)`,
  ],

  '0010-break-glass': ({ int }) => [`alter table users add column break_glass ${int} not null default 0`],

  '0011-applications': ({ int, end }) => [
    `create table applications (
      id text primary key,
      organization_id text not null references organizations (id),
      name text not null,
      client_id text not null,
      is_public ${int} not null,
      redirect_uris text not null,
      post_logout_redirect_uris text not null,
      backchannel_logout_uri text,
      skip_sign_in_page ${int} not null,
      password_sign_in ${int} not null,
      mobile ${int} not null,
      pkce_required ${int} not null,
      claims text not null,
      logo_url text,
      enabled ${int} not null,
      created_at ${int} not null,
      updated_at ${int} not null
    ${end}`,
    // Every request of the provider.
    `create unique index applications_client_id on applications (client_id)`,
    // Lists: the applications of an organization.
    `create index applications_organization on applications (organization_id, id)`,
    `create table application_connections (
      application_id text not null references applications (id) on delete cascade,
      connection_id text not null references connections (id) on delete cascade,
      position ${int} not null,
      primary key (application_id, connection_id)
    ${end}`,
    // Removal of a connection: it leaves every application.
    `create index application_connections_connection on application_connections (connection_id)`,
    `create table application_secrets (
      id text primary key,
      application_id text not null references applications (id) on delete cascade,
      secret_hash text not null,
      created_at ${int} not null,
      last_used_at ${int}
    ${end}`,
    // Every authentication of an application, and its list of secrets.
    `create index application_secrets_application on application_secrets (application_id, id)`,
  ],

  '0012-sessions-and-passwords': ({ int, end }) => [
    `create table sessions (
      id text primary key,
      token_hash text not null,
      user_id text not null references users (id) on delete cascade,
      organization_id text not null references organizations (id) on delete cascade,
      door text not null,
      connection_id text,
      link_id text,
      application_id text,
      authenticated_at ${int} not null,
      created_at ${int} not null,
      last_seen_at ${int} not null,
      expires_at ${int} not null,
      address text,
      user_agent text
    ${end}`,
    // Every request with a cookie.
    `create unique index sessions_token on sessions (token_hash)`,
    // Lists, and whatever takes somebody's access away.
    `create index sessions_user on sessions (user_id)`,
    // The job that removes what is over.
    `create index sessions_expiry on sessions (expires_at)`,

    `create table password_guesses (
      counter text primary key,
      times text not null,
      until ${int} not null
    ${end}`,
    // The job that removes what is over.
    `create index password_guesses_until on password_guesses (until)`,
    `alter table users add column must_change_password ${int} not null default 0`,
  ],

  '0013-sign-ins': ({ int, end }) => [
    `create table sign_in_attempts (
      id text primary key,
      request_uid text not null,
      organization_id text not null references organizations (id) on delete cascade,
      connection_id text not null references connections (id) on delete cascade,
      application_id text,
      application_name text,
      door text not null,
      state_hash text not null,
      browser_hash text not null,
      credential text not null,
      phase text not null,
      restarts ${int} not null,
      number text,
      tries ${int} not null,
      carrier_hash text,
      bind_user_id text references users (id) on delete cascade,
      sighting text,
      may_create ${int} not null default 0,
      reason text,
      reference_id text,
      created_at ${int} not null,
      taken_at ${int},
      expires_at ${int} not null
    ${end}`,
    // The callback: the attempt of a state.
    `create unique index sign_in_attempts_state on sign_in_attempts (state_hash)`,
    // The page: the newest attempt of a request.
    `create index sign_in_attempts_request on sign_in_attempts (request_uid, created_at)`,
    // The number: the attempt that another browser carries.
    `create index sign_in_attempts_carrier on sign_in_attempts (carrier_hash) where carrier_hash is not null`,
    // Clearing away what is over; and the removal of a connection.
    `create index sign_in_attempts_expiry on sign_in_attempts (expires_at)`,
    `create index sign_in_attempts_connection on sign_in_attempts (connection_id)`,

    `create table sign_ins (
      id text primary key,
      at ${int} not null,
      organization_id text,
      connection_id text,
      corp_id text,
      userid text,
      user_id text,
      application_id text,
      door text not null,
      outcome text not null,
      reason text,
      problem text,
      reference_id text not null,
      address text
    ${end}`,
    // Lists: the sign-ins of an organization, newest first.
    `create index sign_ins_organization on sign_ins (organization_id, id)`,
    // The timeline of a user, and clearing what is left of one who was purged.
    `create index sign_ins_user on sign_ins (user_id, id)`,
    // Help desk: what a page showed.
    `create index sign_ins_reference on sign_ins (reference_id)`,

    // Signing in is on for the connection of the environment; until now nobody could switch it on.
    `update connections set sign_in_enabled = 1, sign_in = replace(sign_in, '"enabled":false', '"enabled":true')
      where managed_by_environment = 1`,
  ],

  '0014-openid-provider': ({ int, end }) => [
    // The keys within say what ends with what: a session takes its grants, and a grant all that was issued under it.
    `create table oidc_records (
      id text primary key,
      kind text not null,
      payload text not null,
      uid text,
      grant_id text references oidc_records (id) on delete cascade,
      session_id text references sessions (id) on delete cascade,
      user_id text references users (id) on delete cascade,
      client_id text references applications (client_id) on delete cascade,
      sid text,
      created_at ${int} not null,
      expires_at ${int} not null,
      consumed_at ${int}
    ${end}`,
    // What a grant takes with it.
    `create index oidc_records_grant on oidc_records (grant_id) where grant_id is not null`,
    // What a session takes with it, and whom its end has to be told.
    `create index oidc_records_session on oidc_records (session_id) where session_id is not null`,
    // What a user takes with them.
    `create index oidc_records_user on oidc_records (user_id) where user_id is not null`,
    // What an application takes with it.
    `create index oidc_records_client on oidc_records (client_id) where client_id is not null`,
    // An interaction whose session must still be there.
    `create index oidc_records_uid on oidc_records (uid) where uid is not null`,
    // The job that removes what is over.
    `create index oidc_records_expiry on oidc_records (expires_at)`,

    `create table signing_keys (
      kid text primary key,
      state text not null,
      private_sealed text not null,
      created_at ${int} not null,
      activated_at ${int},
      retired_at ${int}
    ${end}`,
    // The rule: one key signs, and one waits for its turn.
    `create unique index signing_keys_place on signing_keys (state) where state <> 'retired'`,

    `create table logout_deliveries (
      id text primary key,
      client_id text not null references applications (client_id) on delete cascade,
      user_id text not null,
      sid text,
      attempts ${int} not null,
      due_at ${int} not null
    ${end}`,
    // The job that delivers them.
    `create index logout_deliveries_due on logout_deliveries (due_at)`,
    // What an application takes with it.
    `create index logout_deliveries_client on logout_deliveries (client_id)`,
  ],

  '0015-verification-files': ({ int, end }) => [
    `create table verification_files (
      name text primary key,
      connection_id text not null references connections (id) on delete cascade,
      content text not null,
      updated_at ${int} not null
    ${end}`,
    // Those of a connection: the doctor, and what its removal takes with it.
    `create index verification_files_connection on verification_files (connection_id)`,
  ],

  '0016-confirmation-and-overview': ({ int, end, endInKey }) => [
    `alter table sessions add column confirmed_at ${int}`,

    `create table diagnoses (
      connection_id text primary key references connections (id) on delete cascade,
      ran_at ${int} not null,
      failed ${int} not null,
      warned ${int} not null,
      checks text not null,
      observed_address text
    ${end}`,

    `create table tallies (
      organization_id text not null references organizations (id) on delete cascade,
      quarter ${int} not null,
      deed text not null,
      count ${int} not null,
      primary key (organization_id, quarter, deed)
    ${endInKey}`,
    `create table populations (
      organization_id text not null references organizations (id) on delete cascade,
      hour ${int} not null,
      active ${int} not null,
      disabled ${int} not null,
      primary key (organization_id, hour)
    ${endInKey}`,
    // The overview: how many there are besides those of sources, who are not in it.
    `create index users_built_in on users (organization_id, status) where origin = 'built_in'`,
  ],

  '0017-search-and-icons': () => [
    // null: not made yet, or the name has changed since.
    `alter table users add column search_text text`,
    `alter table departments add column search_text text`,
    // The job that makes them.
    `create index users_without_search_text on users (id) where search_text is null`,
    `create index departments_without_search_text on departments (id) where search_text is null`,
    `alter table connections add column icon text`,
  ],

  '0018-held-runs': () => [
    // The overview: what waits for a person.
    `create index runs_held on runs (connection_id) where state = 'held'`,
  ],

  '0019-corps-and-events': ({ int, end, endInKey }) => [
    `alter table connections add column callback_previous_sealed text`,
    `create table corps (
      connection_id text not null references connections (id) on delete cascade,
      corp_id text not null,
      name text not null,
      state text not null,
      agent_id ${int},
      permanent_code_sealed text,
      details text not null,
      authorized_at ${int} not null,
      cancelled_at ${int},
      updated_at ${int} not null,
      primary key (connection_id, corp_id)
    ${endInKey}`,
    `create table suite_tickets (
      connection_id text primary key references connections (id) on delete cascade,
      sealed text not null,
      sent_at ${int} not null,
      received_at ${int} not null
    ${end}`,
    `create table installations (
      state_hash text primary key,
      connection_id text not null references connections (id) on delete cascade,
      actor text not null,
      created_at ${int} not null,
      expires_at ${int} not null
    ${end}`,
    // Clearing what is over.
    `create index installations_expiry on installations (expires_at)`,

    `create table link_aliases (
      connection_id text not null references connections (id) on delete cascade,
      corp_id text not null,
      alias_key text not null,
      kind text not null,
      link_id text not null references links (id) on delete cascade,
      created_at ${int} not null,
      primary key (connection_id, corp_id, alias_key)
    ${endInKey}`,
    `create index link_aliases_link on link_aliases (link_id)`,

    `create table events (
      id text primary key,
      organization_id text not null references organizations (id) on delete cascade,
      connection_id text not null references connections (id) on delete cascade,
      corp_id text,
      channel text not null,
      type text not null,
      object text,
      object_key text,
      payload text not null,
      payload_sealed text,
      digest text not null,
      state text not null,
      note text,
      attempts ${int} not null,
      error text,
      run_id text,
      happened_at ${int} not null,
      received_at ${int} not null,
      due_at ${int},
      claimed_by text,
      claimed_until ${int},
      finished_at ${int}
    ${end}`,
    // The same delivery once more.
    `create unique index events_digest on events (connection_id, digest)`,
    // What is to be worked off.
    `create index events_due on events (due_at) where due_at is not null`,
    // The overview: what waits for a person.
    `create index events_parked on events (connection_id) where state = 'parked'`,
    // The list; the events of a connection.
    `create index events_connection on events (connection_id, id)`,
    `create index events_organization on events (organization_id, id)`,

    // When WeCom was last asked by name; null for what was only ever read in lists.
    `alter table links add column asked_at ${int}`,
    `alter table departments add column asked_at ${int}`,
    // Events are applied while a run is under way, one run of each sort at a time.
    `drop index runs_active`,
    `create unique index runs_active on runs (connection_id, (trigger_kind = 'event')) where state = 'running'`,
    `alter table runs add column corps text not null default '[]'`,
    // Which company somebody comes from, where a connection has several.
    `alter table sign_in_attempts add column corp_id text`,
    `alter table sessions add column corp_id text`,
  ],

  '0020-removal-claims': ({ end }) => [
    `create table removal_claims (
      run_id text not null references runs (id) on delete cascade,
      corp_id text not null,
      connection_id text not null references connections (id) on delete cascade,
      removals text not null,
      primary key (run_id, corp_id)
    ${end}`,
    // What other runs of the connection are about to remove; clearing what is over.
    `create index removal_claims_connection on removal_claims (connection_id)`,
  ],

  '0021-run-origins': () => [
    // Whether a run is being approved; which old ones are referred to.
    `create index runs_origin on runs (origin_run_id) where origin_run_id is not null`,
  ],
}
