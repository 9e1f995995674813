/**
 * Every table and column as the queries see them: one declaration for the types and for bulk statements.
 * Migrations create the tables; `schema.test.ts` proves on both databases that the two agree.
 *
 * Text for ids, names and JSON; integers for numbers, flags (0 or 1) and times (milliseconds since 1970, UTC).
 */

const text = { type: 'text', nullable: false } as const
const textOrNull = { type: 'text', nullable: true } as const
const integer = { type: 'integer', nullable: false } as const
const integerOrNull = { type: 'integer', nullable: true } as const

export const tables = {
  /** Facts about this database itself, such as the check value of the master key. */
  installation: { name: text, value: text },

  organizations: {
    id: text,
    slug: text,
    name: text,
    built_in_users_allowed: integer,
    created_at: integer,
    updated_at: integer,
  },

  /** `leaders` is a JSON array: folded userids in a WeCom department, user ids in a manual one. `search_text` as of users. */
  departments: {
    id: text,
    organization_id: text,
    parent_id: textOrNull,
    name: text,
    name_en: textOrNull,
    position: integer,
    leaders: text,
    origin: text,
    connection_id: textOrNull,
    corp_id: textOrNull,
    external_id: textOrNull,
    missing_since: integerOrNull,
    created_at: integer,
    updated_at: integer,
    search_text: textOrNull,
    asked_at: integerOrNull,
  },

  /**
   * `username_key` and `email_key` are the folded forms that must be unique among the living of an organization. What was
   * issued to somebody before `signed_out_at` is void; see directory/sign-out.ts. `search_text` is what searching looks at,
   * null until it is made; see directory/search-texts.ts.
   */
  users: {
    id: text,
    organization_id: text,
    username: text,
    username_key: text,
    display_name: text,
    email: textOrNull,
    email_key: textOrNull,
    email_verified: integer,
    email_source: textOrNull,
    phone: textOrNull,
    avatar_url: textOrNull,
    title: textOrNull,
    gender: textOrNull,
    locale: textOrNull,
    attributes: text,
    status: text,
    disabled_by: textOrNull,
    deleted_by: textOrNull,
    origin: text,
    role: textOrNull,
    break_glass: integer,
    password_hash: textOrNull,
    must_change_password: integer,
    last_sign_in_at: integerOrNull,
    created_at: integer,
    updated_at: integer,
    deleted_at: integerOrNull,
    signed_out_at: integerOrNull,
    search_text: textOrNull,
  },

  /**
   * Users who are gone for good and of whom the history of runs still has to be cleared. `traces` is a JSON array of what
   * to look for there; the row goes with the last of them.
   */
  purged_users: { user_id: text, purged_at: integer, traces: text },

  memberships: {
    user_id: text,
    department_id: text,
    origin: text,
    connection_id: textOrNull,
    is_main: integer,
    position: integer,
    is_leader: integer,
  },

  /**
   * One member bound to one user. `source_hash` is the digest of what was last applied; null means "compare again".
   * `leader_keys` is a JSON array of folded userids, resolved when read, so that leaders may arrive in any order.
   * `missing_since`: the first complete reading that did not show the member; null for those who are shown. `asked_at`:
   * when WeCom was last asked about this member by name and the answer was written; a reading that began before knows less.
   */
  links: {
    id: text,
    connection_id: text,
    corp_id: text,
    userid: text,
    userid_key: text,
    open_userid: textOrNull,
    user_id: text,
    created_by: text,
    source_hash: textOrNull,
    leader_keys: text,
    created_at: integer,
    last_sign_in_at: integerOrNull,
    missing_since: integerOrNull,
    asked_at: integerOrNull,
  },

  /**
   * What a list of WeCom looked like when it was last read and applied: `digest` of its bytes, `userids` a JSON array of
   * the folded userids on it, `shown` the fields that somebody on it showed. A list with the same digest has nothing new
   * in it; see sync/read/pages.ts.
   */
  source_pages: { connection_id: text, corp_id: text, page: text, digest: text, userids: text, shown: integer },

  /**
   * Columns that end in `_sealed` hold vault texts, bound to `connection/<id>/<column>`. `next_run_at` is when the schedule
   * is due, null when nothing is scheduled or sync is disabled; beginning a run moves it on.
   */
  connections: {
    id: text,
    organization_id: text,
    identifier: text,
    kind: text,
    display_name: text,
    corp_id: textOrNull,
    agent_id: integerOrNull,
    secret_sealed: textOrNull,
    contacts_secret_sealed: textOrNull,
    suite_id: textOrNull,
    suite_secret_sealed: textOrNull,
    provider_corp_id: textOrNull,
    provider_secret_sealed: textOrNull,
    callback_token_sealed: textOrNull,
    callback_aes_key_sealed: textOrNull,
    mobile: text,
    sign_in_enabled: integer,
    sign_in: text,
    sync_enabled: integer,
    sync: text,
    managed_by_environment: integer,
    created_at: integer,
    updated_at: integer,
    next_run_at: integerOrNull,
    icon: textOrNull,
    callback_previous_sealed: textOrNull,
  },

  /**
   * Companies that authorised a delegated or provider connection, by the id that WeCom gives the provider for them.
   * `permanent_code_sealed` is bound to `corp/<connection>/<corp>`; `details` is JSON of what else WeCom says about the
   * authorisation. `state` is authorized or cancelled; a cancelled one keeps its row and loses its code.
   */
  corps: {
    connection_id: text,
    corp_id: text,
    name: text,
    state: text,
    agent_id: integerOrNull,
    permanent_code_sealed: textOrNull,
    details: text,
    authorized_at: integer,
    cancelled_at: integerOrNull,
    updated_at: integer,
  },

  /** The newest ticket of a suite, which WeCom sends every ten minutes; bound to `suite-ticket/<connection>`. */
  suite_tickets: { connection_id: text, sealed: text, sent_at: integer, received_at: integer },

  /** Authorisations begun at our side, until WeCom sends the administrator back; of the state only the digest. */
  installations: { state_hash: text, connection_id: text, actor: text, created_at: integer, expires_at: integer },

  /**
   * Names under which a linked member was or is known besides its userid: `kind` is userid for an earlier one, open_userid
   * for that of a provider, plain for the one before ids were encrypted. Folded.
   */
  link_aliases: { connection_id: text, corp_id: text, alias_key: text, kind: text, link_id: text, created_at: integer },

  /**
   * What WeCom sent to our callbacks. `channel` is contacts, command or data; `object_key` is what events are coalesced
   * by, such as `user:zhangsan`; `payload` is JSON of the event without secrets, `payload_sealed` (bound to `event/<id>`)
   * what is one, such as a code. `digest` is of the ciphertext. `due_at` is null when nothing is left to do. See events/.
   */
  events: {
    id: text,
    organization_id: text,
    connection_id: text,
    corp_id: textOrNull,
    channel: text,
    type: text,
    object: textOrNull,
    object_key: textOrNull,
    payload: text,
    payload_sealed: textOrNull,
    digest: text,
    state: text,
    note: textOrNull,
    attempts: integer,
    error: textOrNull,
    run_id: textOrNull,
    happened_at: integer,
    received_at: integer,
    due_at: integerOrNull,
    claimed_by: textOrNull,
    claimed_until: integerOrNull,
    finished_at: integerOrNull,
  },

  /** Access tokens of WeCom, sealed and shared by all processes. */
  wecom_tokens: { token_key: text, sealed: text, expires_at: integer },

  /** What WeCom answered to a secret that was wrong, so that the doctor does not ask with it again; see refused-secrets.ts. */
  refused_secrets: { connection_id: text, name: text, version: text, errcode: integer, refused_at: integer },

  /** What the doctor found last, as JSON of its checks, and how many of them failed and warned; see doctor.ts. */
  diagnoses: {
    connection_id: text,
    ran_at: integer,
    failed: integer,
    warned: integer,
    checks: text,
    observed_address: textOrNull,
  },

  /**
   * What all processes together may ask of WeCom just now, as JSON; see connections/budget-ledger.ts. Worth nothing after
   * two minutes, so PostgreSQL keeps it in an unlogged table. SQLite, which has one process, leaves it empty.
   */
  wecom_budgets: { corp_id: text, version: integer, state: text },

  /**
   * `owner` and `lease_until` say which process may write for a running run, `takeovers` how often it was left behind by
   * one that died; see sync/runs.ts. `corps` is a JSON array of how each company of a delegated connection went. `only_user_id` is the one person that a run is about, when it reverts no more.
   */
  runs: {
    id: text,
    organization_id: text,
    connection_id: text,
    mode: text,
    trigger_kind: text,
    requested_by: textOrNull,
    state: text,
    origin_run_id: textOrNull,
    only_user_id: textOrNull,
    started_at: integer,
    finished_at: integerOrNull,
    phase: text,
    progress_done: integer,
    progress_total: integer,
    strategy: textOrNull,
    reading: textOrNull,
    complete: integer,
    counts: text,
    api_calls: integer,
    unread: text,
    held: textOrNull,
    error: textOrNull,
    warnings: text,
    owner: textOrNull,
    lease_until: integerOrNull,
    takeovers: integer,
    corps: text,
  },

  /**
   * What a running run has been allowed to remove of a company, a JSON array in the words of sync/plan/removals.ts; `corp_id`
   * is empty for the company of a self-built connection. Rows of runs that are over mean nothing; see sync/claims.ts.
   */
  removal_claims: { run_id: text, corp_id: text, connection_id: text, removals: text },

  /**
   * `before` and `after` are JSON of the fields that differ; `target_id` is our user or department. `inverse` is what
   * undoing needs besides them: the people of a department that was deleted, the user whose link was given away.
   */
  changes: {
    run_id: text,
    position: integer,
    entity: text,
    action: text,
    state: text,
    external_id: textOrNull,
    target_id: textOrNull,
    name: textOrNull,
    before_fields: textOrNull,
    after_fields: textOrNull,
    inverse: textOrNull,
    reason: textOrNull,
    error: textOrNull,
    review_id: textOrNull,
  },

  /**
   * Questions about members that a person has to decide, and what was decided. `member` is JSON of the member as mapped
   * when the question was last asked, `candidates` a JSON array of `Candidate`; see sync/reviews.ts.
   */
  reviews: {
    id: text,
    organization_id: text,
    connection_id: text,
    corp_id: text,
    userid: text,
    userid_key: text,
    member_name: text,
    reason: text,
    candidates: text,
    member: text,
    state: text,
    user_id: textOrNull,
    former_user_id: textOrNull,
    resolved_by: textOrNull,
    resolved_at: integerOrNull,
    created_at: integer,
  },

  /**
   * Attempts to sign in through WeCom, for ten minutes; see signin/attempts.ts. Of the state and of both browsers' cookies
   * only digests. `credential` changes with the company and the secret of the connection. `sighting` is JSON of what WeCom
   * said, as long as somebody has to do something before it counts. `bind_user_id`: who wants the member for themselves.
   */
  sign_in_attempts: {
    id: text,
    request_uid: text,
    organization_id: text,
    connection_id: text,
    application_id: textOrNull,
    application_name: textOrNull,
    door: text,
    state_hash: text,
    browser_hash: text,
    credential: text,
    phase: text,
    restarts: integer,
    number: textOrNull,
    tries: integer,
    carrier_hash: textOrNull,
    bind_user_id: textOrNull,
    sighting: textOrNull,
    may_create: integer,
    reason: textOrNull,
    reference_id: textOrNull,
    created_at: integer,
    taken_at: integerOrNull,
    expires_at: integer,
    corp_id: textOrNull,
  },

  /** What became of sign-ins, for good. What is named by id may be gone. */
  sign_ins: {
    id: text,
    at: integer,
    organization_id: textOrNull,
    connection_id: textOrNull,
    corp_id: textOrNull,
    userid: textOrNull,
    user_id: textOrNull,
    application_id: textOrNull,
    door: text,
    outcome: text,
    reason: textOrNull,
    problem: textOrNull,
    reference_id: text,
    address: textOrNull,
  },

  /**
   * Browsers that are signed in. `token_hash` is the SHA-256 of what the cookie holds. `connection_id` and `link_id` say
   * through what somebody came in, null with a password. `confirmed_at`: when the person proved again who they are, null
   * when they did so by signing in only; see sessions/sessions.ts.
   */
  sessions: {
    id: text,
    token_hash: text,
    user_id: text,
    organization_id: text,
    door: text,
    connection_id: textOrNull,
    link_id: textOrNull,
    application_id: textOrNull,
    authenticated_at: integer,
    created_at: integer,
    last_seen_at: integer,
    expires_at: integer,
    address: textOrNull,
    user_agent: textOrNull,
    confirmed_at: integerOrNull,
    corp_id: textOrNull,
  },

  /** When passwords were guessed wrong lately, by what is counted; `times` is a JSON array. See directory/guesses.ts. */
  password_guesses: { counter: text, times: text, until: integer },

  /**
   * `redirect_uris` and `post_logout_redirect_uris` are JSON arrays, `claims` JSON of the contracts' ApplicationClaims.
   */
  applications: {
    id: text,
    organization_id: text,
    name: text,
    client_id: text,
    is_public: integer,
    redirect_uris: text,
    post_logout_redirect_uris: text,
    backchannel_logout_uri: textOrNull,
    skip_sign_in_page: integer,
    password_sign_in: integer,
    mobile: integer,
    pkce_required: integer,
    claims: text,
    logo_url: textOrNull,
    enabled: integer,
    created_at: integer,
    updated_at: integer,
  },

  /** Through which connections the people of an application may sign in, in the order in which they are offered. */
  application_connections: { application_id: text, connection_id: text, position: integer },

  /** At most two of an application, while one takes the place of the other. `secret_hash` is SHA-256 in hex. */
  application_secrets: {
    id: text,
    application_id: text,
    secret_hash: text,
    created_at: integer,
    last_used_at: integerOrNull,
  },

  api_tokens: {
    id: text,
    name: text,
    role: text,
    token_hash: text,
    created_by: textOrNull,
    created_at: integer,
    last_used_at: integerOrNull,
  },

  /**
   * What the OpenID provider keeps: `kind` is its word for it, `id` the SHA-256 of kind and identifier, because many of the
   * identifiers let somebody in. Codes and tokens belong to a grant, by `grant_id`; a grant and the provider's own session
   * belong to a session of ours. `sid` is what the application knows the session by. See oidc/store.ts.
   */
  oidc_records: {
    id: text,
    kind: text,
    payload: text,
    uid: textOrNull,
    grant_id: textOrNull,
    session_id: textOrNull,
    user_id: textOrNull,
    client_id: textOrNull,
    sid: textOrNull,
    created_at: integer,
    expires_at: integer,
    consumed_at: integerOrNull,
  },

  /** `state` is next, current or retired. `private_sealed` is the private JWK, bound to `signing-key/<kid>`. */
  signing_keys: {
    kid: text,
    state: text,
    private_sealed: text,
    created_at: integer,
    activated_at: integerOrNull,
    retired_at: integerOrNull,
  },

  /** Applications that have to be told that somebody's session has ended; see oidc/logout.ts. */
  logout_deliveries: {
    id: text,
    client_id: text,
    user_id: text,
    sid: textOrNull,
    attempts: integer,
    due_at: integer,
  },

  /** What WeCom wants to find at the root of our origin; by name, because there is one root. */
  verification_files: { name: text, connection_id: text, content: text, updated_at: integer },

  audit: {
    id: text,
    at: integer,
    organization_id: textOrNull,
    actor_kind: text,
    actor_id: textOrNull,
    actor_name: textOrNull,
    action: text,
    target_kind: textOrNull,
    target_id: textOrNull,
    target_name: textOrNull,
    details: text,
    address: textOrNull,
    request_id: textOrNull,
  },

  /** How often what was done, by the quarter of an hour since 1970; counted from `audit`, see audit/tallies.ts. */
  tallies: { organization_id: text, quarter: integer, deed: text, count: integer },

  /** How many users there were, by the hour since 1970; see directory/population.ts. */
  populations: { organization_id: text, hour: integer, active: integer, disabled: integer },
} as const

export type TableName = keyof typeof tables

type Column<C> = C extends { type: infer T; nullable: infer N }
  ? (T extends 'text' ? string : number) | (N extends true ? null : never)
  : never

/** A whole row of a table. */
export type Row<T extends TableName> = { -readonly [C in keyof (typeof tables)[T]]: Column<(typeof tables)[T][C]> }

/** The database as Kysely knows it. */
export type Schema = { [T in TableName]: Row<T> }
