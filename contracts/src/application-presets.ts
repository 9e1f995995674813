/**
 * What is known about products that people connect often: how the application is to be set up here, and what is to be
 * entered there. Data, for the console; docs/applications shows the same with an explanation, and a test holds the pages
 * against it. Tried is our side: the products do not run in our tests.
 */
import type { z } from 'zod'
import type { NewApplication } from './applications.ts'

/** In both languages. */
export interface PresetText {
  readonly en: string
  readonly zh: string
}

export interface ApplicationPreset {
  /** Also the name of its page in docs/applications. */
  readonly id: string
  readonly name: string
  /** Stands for the address of the product until somebody enters theirs. */
  readonly exampleOrigin: string
  /** Paths below the address of the product. */
  readonly redirectPaths: readonly string[]
  readonly postLogoutRedirectPaths: readonly string[]
  readonly backchannelLogoutPath: string | null
  readonly groups: { readonly form: 'name' | 'id' | 'path'; readonly prefix?: string }
  /** What the product asks for. */
  readonly scopes: readonly string[]
  /** What the product reads, and from which claim. */
  readonly reads: readonly { readonly what: PresetText; readonly claim: string }[]
  /** What is to be entered there; see `settingsFor`. */
  readonly settings: PresetSettings
  readonly notes: readonly PresetText[]
}

export type PresetSettings =
  /** A text to paste. */
  | { readonly kind: 'text'; readonly where: PresetText; readonly language: string; readonly text: string }
  /** Fields of a form of the product, by their names there. */
  | {
      readonly kind: 'fields'
      readonly where: PresetText
      readonly fields: readonly { readonly name: string; readonly value: string }[]
    }

const IDENTITY: PresetText = { en: 'identity', zh: '身份标识' }
const EMAIL: PresetText = { en: 'e-mail', zh: '邮箱' }
const GROUPS: PresetText = { en: 'groups', zh: '用户组' }

export const applicationPresets: readonly ApplicationPreset[] = [
  {
    id: 'gitlab',
    name: 'GitLab',
    exampleOrigin: 'https://gitlab.example.com',
    redirectPaths: ['/users/auth/openid_connect/callback'],
    postLogoutRedirectPaths: ['/'],
    backchannelLogoutPath: null,
    groups: { form: 'path' },
    scopes: ['openid', 'profile', 'email', 'groups'],
    reads: [
      { what: IDENTITY, claim: 'sub' },
      { what: { en: 'user name', zh: '用户名' }, claim: 'preferred_username' },
      { what: EMAIL, claim: 'email' },
      { what: { en: 'groups (Premium and above)', zh: '用户组（Premium 及以上版本）' }, claim: 'groups' },
    ],
    settings: {
      kind: 'text',
      where: {
        en: 'In /etc/gitlab/gitlab.rb, then run gitlab-ctl reconfigure',
        zh: '写入 /etc/gitlab/gitlab.rb，然后执行 gitlab-ctl reconfigure',
      },
      language: 'ruby',
      text: `gitlab_rails['omniauth_allow_single_sign_on'] = ['openid_connect']
gitlab_rails['omniauth_block_auto_created_users'] = false
gitlab_rails['omniauth_providers'] = [
  {
    name: 'openid_connect',
    label: '企业微信',
    args: {
      name: 'openid_connect',
      scope: ['openid', 'profile', 'email', 'groups'],
      response_type: 'code',
      issuer: '{{issuer}}',
      discovery: true,
      client_auth_method: 'basic',
      uid_field: 'sub',
      pkce: true,
      client_options: {
        identifier: '{{clientId}}',
        secret: '{{clientSecret}}',
        redirect_uri: '{{origin}}/users/auth/openid_connect/callback'
      }
    }
  }
]`,
    },
    notes: [
      {
        en: 'Leave omniauth_auto_link_user off: it trusts addresses that nobody verified.',
        zh: '请勿开启 omniauth_auto_link_user：它会信任未经验证的邮箱地址。',
      },
    ],
  },
  {
    id: 'grafana',
    name: 'Grafana',
    exampleOrigin: 'https://grafana.example.com',
    redirectPaths: ['/login/generic_oauth'],
    postLogoutRedirectPaths: ['/login'],
    backchannelLogoutPath: null,
    groups: { form: 'path' },
    scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
    reads: [
      { what: IDENTITY, claim: 'sub' },
      { what: { en: 'login', zh: '登录名' }, claim: 'preferred_username' },
      { what: { en: 'name', zh: '姓名' }, claim: 'name' },
      { what: EMAIL, claim: 'email' },
      { what: { en: 'groups and role', zh: '用户组和角色' }, claim: 'groups' },
    ],
    settings: {
      kind: 'text',
      where: {
        en: 'In grafana.ini; root_url of [server] has to be the address that people use',
        zh: '写入 grafana.ini；[server] 的 root_url 必须是用户访问的地址',
      },
      language: 'ini',
      text: `[auth.generic_oauth]
enabled = true
name = 企业微信
client_id = {{clientId}}
client_secret = {{clientSecret}}
scopes = openid profile email groups offline_access
auth_url = {{issuer}}/auth
token_url = {{issuer}}/token
api_url = {{issuer}}/me
use_pkce = true
use_refresh_token = true
login_attribute_path = preferred_username
name_attribute_path = name
email_attribute_path = email
groups_attribute_path = groups
role_attribute_path = contains(groups[*], '/总部/运维部') && 'Admin' || 'Viewer'
allow_sign_up = true
signout_redirect_url = {{issuer}}/session/end?client_id={{clientId}}&post_logout_redirect_uri={{originEncoded}}%2Flogin`,
    },
    notes: [
      {
        en: 'role_attribute_path names a department of the example; put in your own.',
        zh: 'role_attribute_path 中的部门仅为示例，请替换为贵公司的部门。',
      },
      {
        en: 'Leave oauth_allow_insecure_email_lookup off: it would take an address that nobody verified for a proof.',
        zh: '请勿开启 oauth_allow_insecure_email_lookup：它会把未经验证的邮箱地址当作身份证明。',
      },
    ],
  },
  {
    id: 'harbor',
    name: 'Harbor',
    exampleOrigin: 'https://harbor.example.com',
    redirectPaths: ['/c/oidc/callback'],
    postLogoutRedirectPaths: [],
    backchannelLogoutPath: null,
    groups: { form: 'path', prefix: 'wecom:' },
    scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
    reads: [
      { what: GROUPS, claim: 'groups' },
      { what: { en: 'user name', zh: '用户名' }, claim: 'preferred_username' },
    ],
    settings: {
      kind: 'fields',
      where: {
        en: 'Administration → Configuration → Authentication, with auth mode OIDC',
        zh: '系统管理 → 配置管理 → 认证模式，选择 OIDC',
      },
      fields: [
        { name: 'OIDC Provider Name', value: '企业微信' },
        { name: 'OIDC Endpoint', value: '{{issuer}}' },
        { name: 'OIDC Client ID', value: '{{clientId}}' },
        { name: 'OIDC Client Secret', value: '{{clientSecret}}' },
        { name: 'Group Claim Name', value: 'groups' },
        { name: 'OIDC Admin Group', value: 'wecom:/总部/运维部' },
        { name: 'OIDC Scope', value: 'openid,profile,email,groups,offline_access' },
        { name: 'Verify Certificate', value: 'on' },
        { name: 'Automatic onboarding', value: 'on' },
        { name: 'Username Claim', value: 'preferred_username' },
      ],
    },
    notes: [
      {
        en: 'Harbor allows that auth mode only while nobody but admin has an account.',
        zh: '仅当除 admin 外没有其他账号时，Harbor 才允许切换到该认证模式。',
      },
      {
        en: 'OIDC Admin Group names a department of the example; put in your own.',
        zh: 'OIDC Admin Group 中的部门仅为示例，请替换为贵公司的部门。',
      },
      {
        en: 'The CLI secret works for 12 hours at most after its owner signed in with the browser: for machines use robot accounts.',
        zh: 'CLI 密钥在其所有者通过浏览器登录后最多有效 12 小时；机器请使用 Harbor 的机器人账号。',
      },
    ],
  },
  {
    id: 'jenkins',
    name: 'Jenkins',
    exampleOrigin: 'https://jenkins.example.com',
    redirectPaths: ['/securityRealm/finishLogin'],
    postLogoutRedirectPaths: ['/OicLogout'],
    backchannelLogoutPath: null,
    groups: { form: 'path' },
    scopes: ['openid', 'profile', 'email', 'groups'],
    reads: [
      { what: { en: 'user', zh: '用户' }, claim: 'sub' },
      { what: { en: 'full name', zh: '全名' }, claim: 'name' },
      { what: EMAIL, claim: 'email' },
      { what: GROUPS, claim: 'groups' },
    ],
    settings: {
      kind: 'text',
      where: {
        en: 'With the plugin OpenId Connect Authentication (oic-auth) and Configuration as Code',
        zh: '安装插件 OpenId Connect Authentication（oic-auth），通过 Configuration as Code 配置',
      },
      language: 'yaml',
      text: `jenkins:
  securityRealm:
    oic:
      clientId: "{{clientId}}"
      clientSecret: "\${MUSTER_CLIENT_SECRET}"
      serverConfiguration:
        wellKnown:
          wellKnownOpenIDConfigurationUrl: "{{issuer}}/.well-known/openid-configuration"
          scopesOverride: "openid profile email groups"
      userNameField: "sub"
      fullNameFieldName: "name"
      emailFieldName: "email"
      groupsFieldName: "groups"
      pkceEnabled: true
      logoutFromOpenidProvider: true
      properties:
        - escapeHatch:
            username: "break-glass"
            secret: "\${JENKINS_ESCAPE_HATCH}"`,
    },
    notes: [
      {
        en: 'Jenkins takes the two secrets from its environment: MUSTER_CLIENT_SECRET is the secret of the application.',
        zh: 'Jenkins 从环境变量读取两个密钥：MUSTER_CLIENT_SECRET 即此应用的密钥。',
      },
      {
        en: "Keep the escape hatch: it is Jenkins's own way in when the provider is away.",
        zh: '请保留 escapeHatch：身份服务不可用时，它是进入 Jenkins 的后备方式。',
      },
    ],
  },
  {
    id: 'nextcloud',
    name: 'Nextcloud',
    exampleOrigin: 'https://cloud.example.com',
    redirectPaths: ['/apps/user_oidc/code'],
    postLogoutRedirectPaths: ['/'],
    backchannelLogoutPath: '/apps/user_oidc/backchannel-logout/wecom',
    groups: { form: 'path' },
    scopes: ['openid', 'profile', 'email', 'groups'],
    reads: [
      { what: { en: 'user id', zh: '用户 ID' }, claim: 'sub' },
      { what: { en: 'display name', zh: '显示名称' }, claim: 'name' },
      { what: EMAIL, claim: 'email' },
      { what: GROUPS, claim: 'groups' },
    ],
    settings: {
      kind: 'text',
      where: {
        en: 'With the app OpenID Connect user backend (user_oidc), on the server',
        zh: '安装应用 OpenID Connect user backend（user_oidc），在服务器上执行',
      },
      language: 'sh',
      text: `occ app:install user_oidc
occ user_oidc:provider wecom \\
  --clientid='{{clientId}}' --clientsecret='{{clientSecret}}' \\
  --discoveryuri='{{issuer}}/.well-known/openid-configuration' \\
  --scope='openid profile email groups' \\
  --unique-uid=0 --mapping-uid=sub --mapping-display-name=name --mapping-email=email \\
  --mapping-groups=groups --group-provisioning=1`,
    },
    notes: [
      {
        en: 'The last part of the back-channel address is the identifier that the provider is given here: wecom.',
        zh: '后端登出地址的最后一段，即此处为身份服务指定的标识：wecom。',
      },
    ],
  },
]

/**
 * The application that a preset describes, for `createApplication`; whoever creates it adds the connections.
 * @param origin of the product, such as `https://gitlab.example.com`, without a path
 */
export function applicationOf(
  preset: ApplicationPreset,
  origin: string,
): Pick<z.input<typeof NewApplication>, 'name' | 'redirectUris' | 'postLogoutRedirectUris' | 'claims'> &
  Partial<Pick<z.input<typeof NewApplication>, 'backchannelLogoutUri'>> {
  const at = (path: string) => `${origin}${path}`
  return {
    name: preset.name,
    redirectUris: preset.redirectPaths.map(at),
    ...(preset.postLogoutRedirectPaths.length === 0
      ? {}
      : { postLogoutRedirectUris: preset.postLogoutRedirectPaths.map(at) }),
    ...(preset.backchannelLogoutPath === null ? {} : { backchannelLogoutUri: at(preset.backchannelLogoutPath) }),
    claims: { groups: preset.groups },
  }
}

export interface PresetValues {
  /** Of the product. */
  readonly origin: string
  /** Of Muster: its public address and `/oidc`. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
}

/** What is to be entered in the product, filled in. */
export function settingsFor(preset: ApplicationPreset, values: PresetValues): PresetSettings {
  const { settings } = preset
  if (settings.kind === 'text') return { ...settings, text: filled(settings.text, values) }
  return { ...settings, fields: settings.fields.map(({ name, value }) => ({ name, value: filled(value, values) })) }
}

function filled(template: string, values: PresetValues): string {
  const all: Readonly<Record<string, string>> = { ...values, originEncoded: encodeURIComponent(values.origin) }
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => all[name]!)
}
