/** Chapter 1.3: application metadata and address lists. */

import { ApiError } from '../../errors.ts'
import { required, wholeNumber } from '../route.ts'
import type { Call, Reply, Route } from '../route.ts'
import { everyApp, everyKind } from './kinds.ts'

export const appRoutes: readonly Route[] = [
  { path: 'agent/get', needsToken: true, kinds: everyApp, handle: get },
  { path: 'agent/list', needsToken: true, kinds: everyApp, lists: ['agentlist'], handle: list },
  {
    path: 'agent/get_permissions',
    needsToken: true,
    kinds: everyApp,
    lists: ['app_permissions'],
    handle: ({ app }) => ({ app_permissions: app.permissions }),
  },
  // Addresses from the ranges reserved for documentation: nobody's firewall should learn real ones from an emulator.
  {
    path: 'get_api_domain_ip',
    needsToken: true,
    kinds: everyKind,
    lists: ['ip_list'],
    handle: () => ({ ip_list: ['203.0.113.10', '203.0.113.11', '203.0.113.12'] }),
  },
  {
    path: 'getcallbackip',
    needsToken: true,
    kinds: everyKind,
    lists: ['ip_list'],
    handle: () => ({ ip_list: ['198.51.100.21', '198.51.100.22', '198.51.100.*'] }),
  },
]

/** The only documented way for an app to learn its visible range, individually added members included. */
function get({ app, lens, query, company }: Call): Reply {
  if (wholeNumber(required(query, 'agentid', 41011), 40056) !== app.agentId) throw new ApiError(301002)
  return {
    agentid: app.agentId,
    name: app.name,
    square_logo_url: `https://wework.qpic.example/logo/${app.agentId}/0`,
    description: `${company.name} ${app.name}`,
    allow_userinfos: { user: app.range.members.map((userid) => ({ userid: lens.idOf(userid) })) },
    allow_partys: { partyid: app.range.departments },
    allow_tags: { tagid: app.range.tags },
    close: 0,
    redirect_domain: (app.trustedDomains === 'any' ? undefined : app.trustedDomains[0]) ?? `apps.${company.domain}`,
    report_location_flag: 0,
    isreportenter: 0,
    home_url: `https://apps.${company.domain}/`,
    ...(app.kind === 'delegated' ? { customized_publish_status: 2 } : {}),
  }
}

/** A token belongs to one app, so the list has one entry. */
function list({ app }: Call): Reply {
  const { agentId, name } = app
  return { agentlist: [{ agentid: agentId, name, square_logo_url: `https://wework.qpic.example/logo/${agentId}/0` }] }
}
