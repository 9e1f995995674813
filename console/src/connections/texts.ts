/** What pages of connections have in common, and the words of the list; those of the other pages stand in files of their own. */
import { bothLanguages } from '../texts.ts'
import { detailsWords } from './words-details.ts'
import { settingsWords } from './settings/words-settings.ts'
import { suiteWords } from './suites/words-suites.ts'
import { wizardWords } from './wizard/words-wizard.ts'

export const connectionsTexts = bothLanguages(
  {
    title: 'Connections',
    add: 'Connect WeCom',
    search: 'Search by name or identifier',
    organization: 'Organization',
    empty: 'No connection matches.',
    first: {
      title: 'Nothing is connected yet',
      why: 'A connection links Muster to your company’s WeCom: it keeps the directory in step and lets people sign in. Connecting takes about ten minutes, and nothing is switched on before you do it.',
      auditor: 'An operator or an owner can make the first connection.',
    },
    column: {
      name: 'Connection',
      sync: 'Directory sync',
      signIn: 'Single sign-on',
      people: 'Linked people',
      last: 'Last run',
      next: 'Next run',
    },
    on: 'On',
    off: 'Off',
    draft: 'Draft',
    resume: 'Continue set-up',
    notPlanned: 'none planned',
    environment: {
      tag: 'By environment',
      title: 'Managed by environment variables',
      why: 'CorpId, AgentId, Secret and the allowed domains come from the WECOM_… and ALLOWED_DOMAINS variables of the server and are read-only here. To change them, change the variables and start Muster again. Everything else can be changed here.',
      field: 'Set by an environment variable; read-only here.',
    },
    kind: {
      self_built: 'Self-built app',
      delegated: 'Delegated development',
      service_provider: 'Service provider app',
    },
    save: 'Save',
    saved: 'Saved.',
    wizard: wizardWords.en,
    settings: settingsWords.en,
    details: detailsWords.en,
    suite: suiteWords.en,
  },
  {
    title: '连接',
    add: '接入企业微信',
    search: '按名称或标识搜索',
    organization: '组织',
    empty: '没有符合条件的连接。',
    first: {
      title: '尚未接入企业微信',
      why: '连接把 Muster 与贵公司的企业微信关联起来：保持通讯录一致，并让员工用企业微信登录。接入大约需要十分钟；在您开启之前，任何功能都不会生效。',
      auditor: '操作员或所有者可以创建第一个连接。',
    },
    column: {
      name: '连接',
      sync: '通讯录同步',
      signIn: '单点登录',
      people: '已关联人员',
      last: '上次同步',
      next: '下次同步',
    },
    on: '已开启',
    off: '已关闭',
    draft: '草稿',
    resume: '继续配置',
    notPlanned: '未计划',
    environment: {
      tag: '由环境变量管理',
      title: '由环境变量管理',
      why: '企业ID、AgentId、Secret 和允许的邮箱域名来自服务器的 WECOM_… 与 ALLOWED_DOMAINS 环境变量，在此只读。如需修改，请更改环境变量并重新启动 Muster。其他设置可以在此修改。',
      field: '由环境变量设置，在此只读。',
    },
    kind: {
      self_built: '自建应用',
      delegated: '代开发应用',
      service_provider: '服务商应用',
    },
    save: '保存',
    saved: '已保存。',
    wizard: wizardWords.zh,
    settings: settingsWords.zh,
    details: detailsWords.zh,
    suite: suiteWords.zh,
  },
)
