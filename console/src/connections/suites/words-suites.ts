/** The words of callbacks, of a provider's suites and of the companies that authorised them. */
import { bothLanguages } from '../../texts.ts'

export const suiteWords = bothLanguages(
  {
    callback: {
      title: 'Callback',
      why: {
        self_built:
          'Through it WeCom tells Muster when somebody joins, moves to another department or leaves, and the directory follows within seconds. Without it, and for all other fields, changes arrive with the next run.',
        delegated:
          'Through it WeCom sends the ticket of the template every ten minutes, says which company authorised or cancelled the app, and when people change. Without it nothing of this connection works.',
        service_provider:
          'Through it WeCom sends the ticket of the suite every ten minutes, and says which company authorised or cancelled the app. Without it nothing of this connection works.',
      },
      url: 'URL that receives events',
      urlWhere:
        'WeCom’s console: 管理工具 → 通讯录同步 → 设置接收事件服务器 → URL. WeCom wants a domain of the company’s own legal entity.',
      commandUrl: 'Command callback (指令回调URL)',
      commandUrlWhere: {
        delegated: '服务商后台 → 应用管理 → 应用代开发 → the template: 代开发模版回调URL.',
        service_provider: '服务商后台 → 应用管理 → 登录授权 → the login suite: 指令回调URL.',
      },
      dataUrl: 'Data callback (数据回调URL)',
      dataUrlWhere: {
        delegated:
          '服务商后台 → the app of each company, after it authorised the template: its URL that receives messages and events. People who join, change or leave arrive here.',
        service_provider: 'On the same page: 数据回调URL.',
      },
      secrets: 'Token and EncodingAESKey',
      secretsWhy:
        'Made up by this browser just now. Save them first, then enter them in WeCom beside the URL: WeCom asks at once whether they are the same. If WeCom has made some up already, paste those.',
      token: 'Token',
      aesKey: 'EncodingAESKey',
      badToken: 'Up to 32 letters and digits.',
      badAesKey: 'Exactly 43 letters and digits.',
      generate: 'Make up others',
      save: 'Save both',
      shownOnce: 'Saved. Enter both in WeCom now: they are not shown again.',
      done: 'I have entered them',
      stored: 'Token and EncodingAESKey are stored, and never shown again.',
      missing: 'No token and no EncodingAESKey are stored, so no callback is accepted.',
      change: 'Change them',
      keep: 'Keep the stored ones',
      remove: 'Remove them',
      removeTitle: 'Remove token and key?',
      removeMeans:
        'Every callback of WeCom is refused from then on. The ones that are already here are still worked off.',
      changeMeans:
        'What is stored now is accepted for 24 hours more, so that there is time to enter the new ones in WeCom.',
      previous: 'The token and key before these are accepted until',
      provider: 'CorpId of the service provider',
      providerWhy:
        'WeCom is reported to verify the URL in the name of the provider itself, before there is a template or suite. 服务商后台 → 应用管理 → 通用开发参数.',
    },
    realTime: {
      title: 'Real time',
      why: 'What WeCom tells through the callback is taken as a hint: the person or department is read again, and goes through the same rules as in a run, held removals included. Runs by schedule repair whatever WeCom did not tell.',
      tells: {
        self_built:
          'To an address that was saved after 15 August 2022 WeCom tells who joins, leaves, moves to another department or gets another userid, and nothing else; names, numbers and the like arrive with the next run.',
        delegated: 'WeCom tells what the app of the company may read.',
      },
      switch: 'Follow changes between runs',
      needs: 'It needs the callback: token and EncodingAESKey are not stored yet.',
      setUp: 'Set up the callback',
      syncOff: 'Directory sync is off: this counts once it is on.',
    },
    form: {
      title: { delegated: 'Template', service_provider: 'Provider and login suite' },
      why: 'What Muster asks WeCom with. Secrets are stored sealed and never shown again.',
      suiteId: { delegated: 'Template id (模版ID)', service_provider: 'SuiteID of the login suite' },
      suiteIdWhere: {
        delegated: '服务商后台 → 应用管理 → 应用代开发 → the template, once it is online. It begins with dk.',
        service_provider: '服务商后台 → 应用管理 → 登录授权 → the login suite. It begins with ww.',
      },
      suiteSecret: { delegated: 'Template secret (模版Secret)', service_provider: 'Secret of the login suite' },
      suiteSecretWhere: 'On the same page.',
      providerCorpId: {
        delegated: 'CorpId of the service provider (optional)',
        service_provider: 'CorpId of the provider',
      },
      providerCorpIdWhere: '服务商后台 → 应用管理 → 通用开发参数: CorpID.',
      providerSecret: { delegated: 'ProviderSecret (optional)', service_provider: 'ProviderSecret' },
      providerSecretWhere: {
        delegated:
          'On the same page. With both, companies are invited by a code of the template, good for ten days; without them by an install page, which WeCom is reported to refuse for templates.',
        service_provider: 'On the same page: ProviderSecret.',
      },
      save: 'Save',
      secretAgain: 'The id is another one, so its secret has to be entered again.',
      saveVerify: 'Save and verify',
      saving: 'Asking WeCom…',
      saved: 'Saved. WeCom is asked as soon as it has sent the ticket.',
    },
    ticket: {
      title: 'Suite ticket',
      fresh: 'WeCom sends the ticket. The newest came {{minutes}} min ago.',
      justNow: 'WeCom sends the ticket. The newest came less than a minute ago.',
      never: 'WeCom has sent no ticket yet.',
      neverMeans: {
        delegated:
          'It comes within ten minutes after WeCom has accepted the callback URL and the template is known here by its id. Without one, no company can authorise the template.',
        service_provider:
          'It comes within ten minutes after WeCom has accepted the callback URL and the suite is known here by its id. Without one, no company can be invited and nobody signs in.',
      },
      old: 'The newest ticket came {{minutes}} min ago.',
      oldMeans:
        'WeCom sends one every ten minutes, and each is good for thirty. It seems to reach this server no more: look at the address and the secrets of the callback in 服务商后台, and at the events here.',
      events: 'Events of this connection',
      none: 'none yet',
    },
    corps: {
      title: 'Authorised companies',
      why: {
        delegated:
          'Companies that authorised the template, each with an app of its own. Each is read, guarded and signed in by itself.',
        service_provider: 'Companies whose people may sign in. Whoever comes from another one is refused.',
      },
      label: 'Companies, by name',
      search: 'Search by name or CorpId',
      none: 'No company has authorised the app yet. Invite one: an administrator of it confirms once.',
      noMatch: 'No company matches.',
      invite: 'Invite a company',
      filter: 'State',
      anyState: 'Any state',
      company: 'Company',
      corpId: 'CorpId',
      state: 'State',
      stateWord: { authorized: 'Authorised', cancelled: 'Cancelled' },
      agentId: 'AgentId',
      people: 'Linked people',
      seats: 'Seats',
      seatsUnknown: 'not told',
      seatsOver: 'more people than seats',
      expires: 'Edition ends',
      expiresUnknown: 'not told',
      expiresSoon: 'ends soon',
      expired: 'has ended',
      since: 'Since',
      cancelledMeans: 'Nobody of it signs in, and its sessions have ended. Accounts and links are kept.',
    },
    invitation: {
      title: 'Invite a company',
      intro:
        'For an administrator of the company: they open this address, or scan the code with WeCom, choose the company and confirm. Muster learns of it by itself.',
      address: 'Address for the administrator',
      code: 'The address as a QR code',
      open: 'Open it here',
      until: 'Good until',
      expired: 'This invitation is over. Make a new one.',
      again: 'Make a new one',
      close: 'Close',
      here: '{{name}} has authorised the app.',
      waiting: 'Waiting for the administrator…',
    },
    address: {
      delegated: {
        domainsWhy:
          'The same host for both, to the letter: without https:// and path. They are set for the app of each company, after it authorised the template.',
        trustedWhere:
          '服务商后台 → 应用管理 → 应用代开发 → the template → the company’s app: 可信域名. For pages that people open inside WeCom.',
        callbackDomainWhere:
          'On the same page: 企业微信授权登录 → Web网页 → 授权回调域. For QR codes and one click at a computer.',
        ipWhy: 'For 服务商后台 → 服务商信息 → 基本信息 → IP白名单: WeCom answers only servers that stand there.',
      },
      service_provider: {
        domainsWhy: 'The same host everywhere, to the letter: without https:// and path.',
        launch: 'Login launch domain (登录授权发起域名)',
        launchWhere: '服务商后台 → 应用管理 → 登录授权: 登录授权发起域名. Where signing in begins.',
        callbackDomain: 'Callback domain (授权完成回调域名)',
        callbackDomainWhere: '服务商后台 → 应用管理 → 登录授权: 授权完成回调域名. Where WeCom sends people back to.',
        trustedWhere: 'The login suite: 可信域名. For people who come from the workbench.',
        ipWhy: 'For 服务商后台 → 服务商信息 → 基本信息 → IP白名单: WeCom answers only servers that stand there.',
      },
    },
    wizard: {
      callbackIntro: {
        delegated:
          'First Muster gets a token and a key, then the template is made in 服务商后台 with the addresses below: when WeCom saves it, it asks this server whether it knows them.',
        service_provider:
          'First Muster gets a token and a key, then the login suite is set up in 服务商后台 with the addresses below: when WeCom saves it, it asks this server whether it knows them.',
      },
      callbackNext: 'Save token and key first; they are what WeCom asks for.',
      suiteIntro: {
        delegated:
          'Bring the template online in 服务商后台 → 应用管理 → 代开发应用上线. Only then does WeCom show its id and its secret, and the code that companies scan.',
        service_provider:
          'The provider’s own parameters, and those of the login suite. Verification begins with the first ticket that WeCom sends.',
      },
      corpsIntro: {
        delegated:
          'An administrator of the company authorises the template. WeCom then gives Muster a permanent code, which is the secret of the company’s app.',
        service_provider:
          'Each company whose people shall sign in authorises the app once. You can invite them now, or at any time later.',
      },
      checkIntro: 'The doctor really asks WeCom. Afterwards, sign in once with a person of an authorised company.',
    },
  },
  {
    callback: {
      title: '回调',
      why: {
        self_built:
          '成员加入、变更部门或离开时，企业微信通过回调通知 Muster，通讯录会在数秒内跟进。未配置时，以及其他字段的变更，随下次同步生效。',
        delegated:
          '企业微信每十分钟通过回调推送模版的 ticket，并告知哪些企业授权或取消了应用，以及成员的变更。没有它，此连接无法工作。',
        service_provider:
          '企业微信每十分钟通过回调推送套件的 ticket，并告知哪些企业授权或取消了应用。没有它，此连接无法工作。',
      },
      url: '接收事件的 URL',
      urlWhere: '企业微信管理后台：管理工具 → 通讯录同步 → 设置接收事件服务器 → URL。域名须与企业主体一致。',
      commandUrl: '指令回调URL',
      commandUrlWhere: {
        delegated: '服务商后台 → 应用管理 → 应用代开发 → 模版：代开发模版回调URL。',
        service_provider: '服务商后台 → 应用管理 → 登录授权 → 登录授权套件：指令回调URL。',
      },
      dataUrl: '数据回调URL',
      dataUrlWhere: {
        delegated: '服务商后台 → 各企业授权模版之后的应用：接收消息与事件的 URL。成员的加入、变更与离开由此送达。',
        service_provider: '位于同一页面：数据回调URL。',
      },
      secrets: 'Token 与 EncodingAESKey',
      secretsWhy:
        '由此浏览器刚刚随机生成。请先保存，再填入企业微信中 URL 的旁边：企业微信会立即验证两边是否一致。如果企业微信已生成，请改为粘贴它们。',
      token: 'Token',
      aesKey: 'EncodingAESKey',
      badToken: '最多 32 个字母或数字。',
      badAesKey: '必须为 43 个字母或数字。',
      generate: '重新生成',
      save: '保存两项',
      shownOnce: '已保存。请立即填入企业微信：之后不会再显示。',
      done: '我已填写',
      stored: 'Token 与 EncodingAESKey 已保存，不会再显示。',
      missing: '尚未保存 Token 与 EncodingAESKey，因此不接受任何回调。',
      change: '更换',
      keep: '保留已保存的',
      remove: '移除',
      removeTitle: '移除 Token 与 EncodingAESKey？',
      removeMeans: '此后企业微信的所有回调都会被拒绝；已收到的事件仍会处理。',
      changeMeans: '当前保存的两项在 24 小时内仍然有效，以便有时间在企业微信中填写新的。',
      previous: '更换之前的 Token 与 EncodingAESKey 仍然有效，直至',
      provider: '服务商的企业ID（CorpID）',
      providerWhy:
        '据反馈，在模版或套件创建之前，企业微信以服务商自身的名义验证 URL。位置：服务商后台 → 应用管理 → 通用开发参数。',
    },
    realTime: {
      title: '实时更新',
      why: '企业微信通过回调告知的内容只作为提示：重新读取该成员或部门，并按与同步相同的规则处理，包括等待审批的移除。企业微信未告知的变更由定时同步补上。',
      tells: {
        self_built:
          '对于 2022 年 8 月 15 日之后保存的地址，企业微信只告知成员的加入、离开、部门变动与 UserID 变更；姓名、手机号等其他变更随下次同步生效。',
        delegated: '企业微信告知该企业的应用有权读取的内容。',
      },
      switch: '在两次同步之间跟进变更',
      needs: '需要先配置回调：尚未保存 Token 与 EncodingAESKey。',
      setUp: '配置回调',
      syncOff: '通讯录同步处于关闭状态，开启后此设置才生效。',
    },
    form: {
      title: { delegated: '代开发应用模版', service_provider: '服务商与登录授权套件' },
      why: 'Muster 访问企业微信所用的凭证。Secret 加密保存，之后不会再显示。',
      suiteId: { delegated: '模版ID', service_provider: '登录授权套件的 SuiteID' },
      suiteIdWhere: {
        delegated: '服务商后台 → 应用管理 → 应用代开发 → 模版（上线之后）。以 dk 开头。',
        service_provider: '服务商后台 → 应用管理 → 登录授权 → 登录授权套件。以 ww 开头。',
      },
      suiteSecret: { delegated: '模版Secret', service_provider: '登录授权套件的 Secret' },
      suiteSecretWhere: '位于同一页面。',
      providerCorpId: { delegated: '服务商的企业ID（可选）', service_provider: '服务商的企业ID（CorpID）' },
      providerCorpIdWhere: '服务商后台 → 应用管理 → 通用开发参数：CorpID。',
      providerSecret: { delegated: 'ProviderSecret（可选）', service_provider: 'ProviderSecret' },
      providerSecretWhere: {
        delegated:
          '位于同一页面。两项都填写时，用模版的授权二维码邀请企业，有效期十天；否则使用安装授权页，据反馈企业微信可能拒绝模版使用该方式。',
        service_provider: '位于同一页面：ProviderSecret。',
      },
      save: '保存',
      secretAgain: 'ID 已更改，需要重新填写其 Secret。',
      saveVerify: '保存并验证',
      saving: '正在向企业微信验证…',
      saved: '已保存。收到企业微信推送的 ticket 后会立即验证。',
    },
    ticket: {
      title: 'Suite ticket',
      fresh: '企业微信正常推送 ticket，最近一次在 {{minutes}} 分钟前。',
      justNow: '企业微信正常推送 ticket，最近一次在一分钟之内。',
      never: '企业微信尚未推送 ticket。',
      neverMeans: {
        delegated:
          '企业微信接受回调 URL、且此处填写了正确的模版ID 之后，十分钟内会推送。没有 ticket 时，企业无法完成授权。',
        service_provider:
          '企业微信接受回调 URL、且此处填写了正确的 SuiteID 之后，十分钟内会推送。没有 ticket 时无法邀请企业，也无法登录。',
      },
      old: '最近一次 ticket 在 {{minutes}} 分钟前。',
      oldMeans:
        '企业微信每十分钟推送一次，每次有效三十分钟。看来已无法送达本服务器：请检查服务商后台中的回调地址与 Token、EncodingAESKey，以及此处的事件。',
      events: '此连接的事件',
      none: '尚无',
    },
    corps: {
      title: '已授权企业',
      why: {
        delegated: '已授权模版的企业，每家都有自己的应用，分别读取、分别保护、分别登录。',
        service_provider: '这些企业的成员可以登录；其他企业的人员会被拒绝。',
      },
      label: '企业，按名称排序',
      search: '按名称或企业ID 搜索',
      none: '还没有企业授权此应用。请邀请一家企业，由其管理员确认一次即可。',
      noMatch: '没有符合条件的企业。',
      invite: '邀请企业',
      filter: '状态',
      anyState: '所有状态',
      company: '企业',
      corpId: '企业ID',
      state: '状态',
      stateWord: { authorized: '已授权', cancelled: '已取消' },
      agentId: 'AgentId',
      people: '已关联人员',
      seats: '名额',
      seatsUnknown: '未提供',
      seatsOver: '人数超出名额',
      expires: '版本到期',
      expiresUnknown: '未提供',
      expiresSoon: '即将到期',
      expired: '已到期',
      since: '授权时间',
      cancelledMeans: '该企业的人员无法登录，其会话已结束；账号与关联保留。',
    },
    invitation: {
      title: '邀请企业',
      intro: '由该企业的管理员操作：打开此地址，或用企业微信扫描二维码，选择企业并确认。完成后 Muster 会自动得知。',
      address: '供管理员打开的地址',
      code: '该地址的二维码',
      open: '在此打开',
      until: '有效期至',
      expired: '此邀请已过期，请重新生成。',
      again: '重新生成',
      close: '关闭',
      here: '{{name}} 已授权此应用。',
      waiting: '正在等待管理员操作…',
    },
    address: {
      delegated: {
        domainsWhy:
          '两处填写相同的域名，须完全一致：不带 https:// 和路径。在企业授权模版之后，为每家企业的应用分别设置。',
        trustedWhere:
          '服务商后台 → 应用管理 → 应用代开发 → 模版 → 该企业的应用：可信域名。用于在企业微信内打开的页面。',
        callbackDomainWhere: '位于同一页面：企业微信授权登录 → Web网页 → 授权回调域。用于电脑上的扫码与一键登录。',
        ipWhy: '用于“服务商后台 → 服务商信息 → 基本信息 → IP白名单”：企业微信只响应其中的服务器。',
      },
      service_provider: {
        domainsWhy: '各处填写相同的域名，须完全一致：不带 https:// 和路径。',
        launch: '登录授权发起域名',
        launchWhere: '服务商后台 → 应用管理 → 登录授权：登录授权发起域名。登录从这里发起。',
        callbackDomain: '授权完成回调域名',
        callbackDomainWhere: '服务商后台 → 应用管理 → 登录授权：授权完成回调域名。登录后企业微信将人员送回的域名。',
        trustedWhere: '登录授权套件：可信域名。用于从工作台进入的人员。',
        ipWhy: '用于“服务商后台 → 服务商信息 → 基本信息 → IP白名单”：企业微信只响应其中的服务器。',
      },
    },
    wizard: {
      callbackIntro: {
        delegated:
          '先为 Muster 准备 Token 与 EncodingAESKey，再到服务商后台用下面的地址创建模版：保存时，企业微信会向本服务器验证。',
        service_provider:
          '先为 Muster 准备 Token 与 EncodingAESKey，再到服务商后台用下面的地址配置登录授权套件：保存时，企业微信会向本服务器验证。',
      },
      callbackNext: '请先保存 Token 与 EncodingAESKey，企业微信会验证它们。',
      suiteIntro: {
        delegated:
          '请在“服务商后台 → 应用管理 → 代开发应用上线”中将模版上线。上线之后，企业微信才提供模版ID、模版Secret 以及供企业扫描的授权二维码。',
        service_provider: '服务商自身的参数，以及登录授权套件的参数。收到企业微信推送的第一个 ticket 后开始验证。',
      },
      corpsIntro: {
        delegated: '由企业的管理员授权模版。之后企业微信会将永久授权码交给 Muster，它就是该企业应用的 Secret。',
        service_provider: '需要登录的每家企业都要授权一次。可以现在邀请，也可以以后随时邀请。',
      },
      checkIntro: '连接检查会真实调用企业微信。之后，请用已授权企业的一位成员登录一次。',
    },
  },
)
