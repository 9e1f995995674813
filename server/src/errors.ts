/**
 * Every error that a person or a program may see: a permanent code, what happened, and what to do, in English and
 * Chinese. A code is a promise; it is never renamed. docs/reference/errors.md is generated from this table.
 */

/** One sentence in the two languages of the product. */
export interface Text {
  readonly en: string
  readonly zh: string
}

export type Language = keyof Text

interface Entry {
  /** HTTP status when the error reaches the admin API. */
  readonly status: number
  readonly title: Text
  readonly remedy: Text
}

const nothingToDo: Text = { en: 'Check the address and try again.', zh: '请检查地址后重试。' }
const askList: Text = { en: 'List the resources to find the right id.', zh: '请先查询列表以找到正确的 id。' }

export const errorTable = {
  'http/no-route': { status: 404, title: { en: 'No such address', zh: '地址不存在' }, remedy: nothingToDo },
  'http/validation': {
    status: 400,
    title: { en: 'The request is not valid', zh: '请求无效' },
    remedy: { en: 'Correct the fields that are named and send it again.', zh: '请按提示修改字段后重新提交。' },
  },
  'http/too-large': {
    status: 413,
    title: { en: 'The request body is too large', zh: '请求内容过大' },
    remedy: { en: 'Send less than one megabyte.', zh: '请将内容控制在 1 MB 以内。' },
  },
  'http/media-type': {
    status: 415,
    title: { en: 'The request body has the wrong type', zh: '请求内容类型错误' },
    remedy: { en: 'Send JSON with content-type application/json.', zh: '请以 application/json 发送 JSON。' },
  },
  'http/internal': {
    status: 500,
    title: { en: 'Muster failed', zh: 'Muster 内部错误' },
    remedy: {
      en: 'Search the log for the request id and report what it says.',
      zh: '请在日志中按请求编号查找，并反馈其内容。',
    },
  },
  'http/stopping': {
    status: 503,
    title: { en: 'The server is stopping', zh: '服务正在停止' },
    remedy: { en: 'Try again in a few seconds.', zh: '请几秒后重试。' },
  },
  'server/address': {
    status: 503,
    title: { en: 'The server cannot listen on this address', zh: '服务无法监听该地址' },
    remedy: {
      en: 'Stop whatever uses it, or choose another one with MUSTER_LISTEN.',
      zh: '请停止占用该地址的程序，或用 MUSTER_LISTEN 更换地址。',
    },
  },
  'auth/required': {
    status: 401,
    title: { en: 'A valid credential is needed', zh: '需要有效的身份凭证' },
    remedy: {
      en: 'Send an API token: Authorization: Bearer … (make one with `muster admin token NAME`).',
      zh: '请发送 API 令牌：Authorization: Bearer …（可用 `muster admin token NAME` 创建）。',
    },
  },
  'auth/forbidden': {
    status: 403,
    title: { en: 'Your role does not allow this', zh: '当前角色无权执行此操作' },
    remedy: { en: 'Ask an owner to do it or to change your role.', zh: '请联系所有者代为操作或调整角色。' },
  },
  'auth/other-origin': {
    status: 403,
    title: { en: 'The request does not come from a page of Muster', zh: '请求并非来自 Muster 的页面' },
    remedy: {
      en: 'Open Muster at its public address (MUSTER_PUBLIC_URL); programs send an API token instead of a cookie.',
      zh: '请通过 Muster 的公开地址（MUSTER_PUBLIC_URL）访问；程序应使用 API 令牌而不是 Cookie。',
    },
  },
  'auth/confirm-first': {
    status: 403,
    title: { en: 'Confirm first that it is you', zh: '请先确认是您本人操作' },
    remedy: {
      en: 'Enter your password once more, or sign in again; that is enough for ten minutes.',
      zh: '请再次输入密码，或重新登录；十分钟内有效。',
    },
  },
  'setup/wrong-token': {
    status: 403,
    title: { en: 'The set-up token is wrong', zh: '初始化令牌错误' },
    remedy: {
      en: 'Copy it from the line “Set-up:” that the server printed when it started last.',
      zh: '请复制服务最近一次启动时输出的“Set-up:”一行中的令牌。',
    },
  },
  'setup/closed': {
    status: 410,
    title: { en: 'Muster has been set up', zh: 'Muster 已完成初始化' },
    remedy: {
      en: 'Ask an owner for a role, or run: ./muster admin create NAME',
      zh: '请联系所有者授予角色，或运行：./muster admin create NAME',
    },
  },
  'database/in-use': {
    status: 503,
    title: { en: 'The database is open in another process', zh: '数据库正被另一个进程使用' },
    remedy: {
      en: 'Stop the other Muster, or use PostgreSQL (MUSTER_DATABASE_URL) to run several.',
      zh: '请停止另一个 Muster，或使用 PostgreSQL（MUSTER_DATABASE_URL）运行多个进程。',
    },
  },
  'database/unavailable': {
    status: 503,
    title: { en: 'The database does not answer', zh: '数据库无响应' },
    remedy: {
      en: 'Check that it runs and that its address is right: MUSTER_DATABASE_URL, or what --to says.',
      zh: '请检查数据库是否运行，以及地址是否正确：MUSTER_DATABASE_URL，或 --to 的值。',
    },
  },
  'database/too-new': {
    status: 503,
    title: { en: 'The database was written by a newer Muster', zh: '数据库由更新版本的 Muster 写入' },
    remedy: {
      en: 'Start that version, or restore a backup from before the upgrade.',
      zh: '请启动新版本，或恢复升级之前的备份。',
    },
  },
  'database/damaged': {
    status: 503,
    title: { en: 'The database file is damaged', zh: '数据库文件已损坏' },
    remedy: {
      en: 'Restore a backup: ./muster restore FILE --replace. Keep a copy of the damaged file until that has worked.',
      zh: '请恢复备份：./muster restore FILE --replace。成功之前请保留损坏文件的副本。',
    },
  },
  'backup/exists': {
    status: 409,
    title: { en: 'The file exists already', zh: '文件已存在' },
    remedy: {
      en: 'Choose another name, or replace an older backup with --force.',
      zh: '请更换文件名，或用 --force 替换旧备份。',
    },
  },
  'backup/file': {
    status: 500,
    title: { en: 'The file cannot be read or written', zh: '无法读写文件' },
    remedy: {
      en: 'Check its folder, its rights and the space on the disk.',
      zh: '请检查所在目录、权限和磁盘空间。',
    },
  },
  'backup/no-database': {
    status: 404,
    title: { en: 'There is no database to copy', zh: '没有可复制的数据库' },
    remedy: {
      en: 'Check MUSTER_DATABASE_URL and MUSTER_DATA_DIR: `./muster config` shows which database is meant.',
      zh: '请检查 MUSTER_DATABASE_URL 和 MUSTER_DATA_DIR：`./muster config` 会显示所指的数据库。',
    },
  },
  'backup/not-a-backup': {
    status: 400,
    title: { en: 'The file is not a backup of Muster', zh: '该文件不是 Muster 的备份' },
    remedy: {
      en: 'Name a file that `./muster backup` has written.',
      zh: '请指定由 `./muster backup` 生成的文件。',
    },
  },
  'backup/damaged': {
    status: 400,
    title: { en: 'The backup is damaged', zh: '备份已损坏' },
    remedy: {
      en: 'Fetch the file again from where it was kept, or use an older backup. Nothing was changed.',
      zh: '请从保存处重新获取该文件，或使用更早的备份。未做任何更改。',
    },
  },
  'backup/too-new': {
    status: 400,
    title: { en: 'The backup was written by a newer Muster', zh: '备份由更新版本的 Muster 写入' },
    remedy: { en: 'Restore it with that version or a newer one.', zh: '请用该版本或更新版本恢复。' },
  },
  'backup/no-key': {
    status: 409,
    title: { en: 'The master key of the backup is not here', zh: '缺少此备份的主密钥' },
    remedy: {
      en: 'Put the key that the backed up installation used into MUSTER_MASTER_KEY, or as master.key into the data directory. It is not in the backup.',
      zh: '请将原安装使用的密钥填入 MUSTER_MASTER_KEY，或以 master.key 放入数据目录。备份中不含密钥。',
    },
  },
  'backup/not-empty': {
    status: 409,
    title: { en: 'The database to be filled is not empty', zh: '要写入的数据库不为空' },
    remedy: {
      en: 'Choose an empty database. Only `restore --replace` replaces what is in one; a copy always needs an empty one.',
      zh: '请选择空数据库。只有 `restore --replace` 会替换其中的全部内容；复制只能写入空数据库。',
    },
  },
  'backup/copy-differs': {
    status: 500,
    title: { en: 'The copy differs from the original', zh: '副本与原数据不一致' },
    remedy: {
      en: 'Nothing was kept of the copy. Report which table is named.',
      zh: '副本未保留。请反馈所指出的数据表。',
    },
  },
  'backup/other-database': {
    status: 409,
    title: { en: 'The running server uses another database', zh: '正在运行的服务使用的是另一个数据库' },
    remedy: {
      en: 'Give this command the same settings as the server, MUSTER_DATABASE_URL above all.',
      zh: '请为该命令提供与服务相同的设置，尤其是 MUSTER_DATABASE_URL。',
    },
  },
  'backup/local-only': {
    status: 403,
    title: { en: 'Only commands on the same machine may copy the database', zh: '只有本机命令可以复制数据库' },
    remedy: { en: 'Run ./muster backup where the server runs.', zh: '请在服务所在的机器上运行 ./muster backup。' },
  },
  'organizations/not-found': { status: 404, title: { en: 'No such organization', zh: '组织不存在' }, remedy: askList },
  'organizations/slug-taken': {
    status: 409,
    title: { en: 'Another organization has this short name', zh: '该短名称已被其他组织使用' },
    remedy: { en: 'Choose another slug.', zh: '请更换短名称。' },
  },
  'organizations/not-empty': {
    status: 409,
    title: { en: 'The organization is not empty', zh: '组织不为空' },
    remedy: {
      en: 'Remove its applications, connections, users and departments first.',
      zh: '请先移除其中的应用、连接、用户和部门。',
    },
  },
  'organizations/default-fixed': {
    status: 409,
    title: { en: 'The organization `default` stays', zh: '默认组织不可变更' },
    remedy: {
      en: 'Requests without organizationId mean it: change its name instead of its slug.',
      zh: '未指定 organizationId 的请求均指向它：请修改名称，而不是短名称。',
    },
  },
  'connections/not-found': { status: 404, title: { en: 'No such connection', zh: '连接不存在' }, remedy: askList },
  'connections/identifier-taken': {
    status: 409,
    title: { en: 'Another connection has this identifier', zh: '该标识已被其他连接使用' },
    remedy: { en: 'Choose another identifier; it can never be changed.', zh: '请更换标识；标识创建后不可更改。' },
  },
  'connections/identifier-fixed': {
    status: 409,
    title: { en: 'An identifier never changes', zh: '标识不可更改' },
    remedy: { en: 'Create a new connection instead.', zh: '请新建连接。' },
  },
  'connections/confirm': {
    status: 409,
    title: { en: 'Removing a connection needs its identifier', zh: '移除连接需要确认标识' },
    remedy: { en: 'Repeat the request with ?confirm=<identifier>.', zh: '请在请求中附上 ?confirm=<标识>。' },
  },
  'connections/incomplete': {
    status: 409,
    title: { en: 'The connection is not complete', zh: '连接配置不完整' },
    remedy: { en: 'Fill in the fields that are named, then enable it.', zh: '请补全所列字段后再启用。' },
  },
  'connections/secret-required': {
    status: 409,
    title: { en: 'A changed id needs its secret again', zh: '更改 ID 时需重新填写密钥' },
    remedy: {
      en: 'Send the secrets that belong to the new id in the same request.',
      zh: '请在同一请求中提交与新 ID 对应的密钥。',
    },
  },
  'connections/managed-by-environment': {
    status: 409,
    title: { en: 'This connection is set by environment variables', zh: '该连接由环境变量管理' },
    remedy: { en: 'Change WECOM_… and restart.', zh: '请修改 WECOM_… 环境变量并重启。' },
  },
  'connections/kind-without-sync': {
    status: 400,
    title: { en: 'A service provider connection has no directory sync', zh: '服务商连接不支持通讯录同步' },
    remedy: {
      en: 'Leave directory sync off; to sync the directory of a company, use a delegated or a self-built connection.',
      zh: '请保持通讯录同步关闭；如需同步企业通讯录，请使用代开发或自建应用类型的连接。',
    },
  },
  'connections/kind-without-corps': {
    status: 409,
    title: { en: 'A self-built connection belongs to one company', zh: '自建应用的连接只属于一个企业' },
    remedy: {
      en: 'Only delegated and service provider connections are authorised by companies.',
      zh: '只有代开发和服务商类型的连接才由企业授权。',
    },
  },
  'connections/corp-not-authorized': {
    status: 409,
    title: { en: 'This company has not authorised the app', zh: '该企业未授权此应用' },
    remedy: {
      en: 'Invite the company on the page of the connection, and have an administrator of it authorise the app.',
      zh: '请在连接页面邀请该企业，并由其管理员授权此应用。',
    },
  },
  'suites/no-ticket': {
    status: 409,
    title: { en: 'WeCom has not sent the ticket of the suite', zh: '尚未收到企业微信推送的 suite_ticket' },
    remedy: {
      en: 'WeCom sends one every ten minutes to the command callback. Check its address, Token and EncodingAESKey in the provider console, then wait for the next.',
      zh: '企业微信每十分钟向“指令回调 URL”推送一次。请在服务商后台核对该 URL、Token 与 EncodingAESKey，并等待下一次推送。',
    },
  },
  'suites/code-spent': {
    status: 409,
    title: { en: 'The code of this authorisation is used up or too old', zh: '授权码已使用或已过期' },
    remedy: {
      en: 'Each works once and for ten minutes. Have the administrator of the company authorise the app again, or reset its secret in the provider console.',
      zh: '授权码只能使用一次，十分钟内有效。请由该企业管理员重新授权，或在服务商后台重置该应用的 Secret。',
    },
  },
  'suites/invitation-unknown': {
    status: 409,
    title: { en: 'This authorisation was not begun here, or too long ago', zh: '该授权并非由此处发起，或已超时' },
    remedy: {
      en: 'Nothing was changed. Ask whoever invited you for a new invitation, and open it once.',
      zh: '未作任何更改。请向邀请方索取新的邀请链接，并仅打开一次。',
    },
  },
  'connections/verification-file-taken': {
    status: 409,
    title: { en: 'Another connection keeps this verification file', zh: '该域名校验文件已由其他连接保存' },
    remedy: {
      en: 'It is served already. Delete it there first if it belongs here.',
      zh: '该文件已可访问。如应归此连接，请先在原连接中删除。',
    },
  },
  'connections/verification-file-not-found': {
    status: 404,
    title: { en: 'The connection has no such verification file', zh: '该连接没有此域名校验文件' },
    remedy: {
      en: 'Check the name. If it is served, another connection keeps it; the doctor of each lists its own.',
      zh: '请检查文件名。如仍可访问，则由其他连接保存；各连接的诊断会列出其文件。',
    },
  },
  'connections/too-many-verification-files': {
    status: 409,
    title: { en: 'The connection has twenty verification files', zh: '该连接已有 20 个域名校验文件' },
    remedy: { en: 'Delete those that WeCom no longer needs.', zh: '请删除不再需要的文件。' },
  },
  'connections/mapping': {
    status: 400,
    title: { en: 'The field mapping cannot be used', zh: '字段映射无法使用' },
    remedy: {
      en: 'Correct the rules that are named, or send null for the default mapping.',
      zh: '请修改所列规则，或提交 null 以恢复默认映射。',
    },
  },
  'connections/sign-in-off': {
    status: 409,
    title: { en: 'Signing in through this connection is switched off', zh: '该连接的登录已关闭' },
    remedy: {
      en: 'Switch it on in the settings of the connection, or use another one.',
      zh: '请在连接设置中开启登录，或使用其他连接。',
    },
  },
  'signin/foreign-form': {
    status: 403,
    title: { en: 'The form does not come from a page of this server', zh: '表单并非来自本服务的页面' },
    remedy: {
      en: 'Open the page again and allow its cookies. If it was opened elsewhere, somebody may be deceiving you.',
      zh: '请重新打开页面并允许其 Cookie。如果表单来自其他网站，可能有人在欺骗你。',
    },
  },
  'signin/origin-not-listed': {
    status: 403,
    title: { en: 'This site may not use the sign-in window', zh: '该网站无权使用登录窗口' },
    remedy: {
      en: 'An administrator can add the site to `signIn.embedOrigins` of a connection whose sign-in is on.',
      zh: '管理员可将该网站加入已开启登录的连接的 `signIn.embedOrigins`。',
    },
  },
  'links/last-way-in': {
    status: 409,
    title: { en: 'This is the only way into the account', zh: '这是登录该账号的唯一方式' },
    remedy: {
      en: 'Set a password first, or bind another member.',
      zh: '请先设置密码，或绑定其他企业微信成员。',
    },
  },
  'sync/nobody-to-show': {
    status: 409,
    title: { en: 'Nobody was found to try the mapping on', zh: '未找到可用于预览映射的成员' },
    remedy: {
      en: "Name a member by userid, or widen the app's visible range.",
      zh: '请指定成员的 userid，或扩大应用的可见范围。',
    },
  },
  'sync/disabled': {
    status: 409,
    title: { en: 'Directory sync is off for this connection', zh: '该连接未启用通讯录同步' },
    remedy: {
      en: 'Switch it on under Services on the page of the connection, or PATCH sync.enabled to true. A login suite of a provider has none.',
      zh: '请在连接页面的“服务”中启用，或将 sync.enabled 设为 true。服务商的登录授权套件没有通讯录同步。',
    },
  },
  'sync/owned-by-other': {
    status: 409,
    title: { en: 'Another connection owns directory sync', zh: '通讯录同步已由其他连接负责' },
    remedy: { en: 'Disable sync on that connection first.', zh: '请先在该连接上停用同步。' },
  },
  'sync/run-active': {
    status: 409,
    title: { en: 'A run of this connection is active', zh: '该连接正在同步' },
    remedy: { en: 'Wait for it to finish, or cancel it.', zh: '请等待其结束或取消。' },
  },
  'sync/run-not-active': {
    status: 409,
    title: { en: 'The run has already finished', zh: '该次同步已结束' },
    remedy: { en: 'Nothing needs to be done.', zh: '无需操作。' },
  },
  'sync/run-not-held': {
    status: 409,
    title: { en: 'The run holds nothing', zh: '该次同步没有待审批的移除' },
    remedy: { en: 'Look at the newest run of the connection.', zh: '请查看该连接最近一次同步。' },
  },
  'sync/plan-changed': {
    status: 409,
    title: { en: 'This is not the plan that was shown', zh: '计划与所展示的不一致' },
    remedy: {
      en: 'Read the run again and approve the plan hash that it shows now.',
      zh: '请重新查看该次同步，并按当前展示的计划哈希审批。',
    },
  },
  'sync/plan-outdated': {
    status: 409,
    title: { en: 'A newer run has replaced this plan', zh: '该计划已被更新的同步取代' },
    remedy: { en: 'Look at the newest run of the connection.', zh: '请查看该连接最近一次同步。' },
  },
  'sync/interrupted': {
    status: 503,
    title: { en: 'The run was interrupted', zh: '同步被中断' },
    remedy: { en: 'Start a new run; what was applied stays.', zh: '请重新同步；已写入的内容会保留。' },
  },
  'sync/cancelled': {
    status: 409,
    title: { en: 'The run was cancelled', zh: '同步已取消' },
    remedy: { en: 'Start a new run when you are ready.', zh: '需要时请重新同步。' },
  },
  'sync/nothing-to-revert': {
    status: 409,
    title: { en: 'There is nothing to undo', zh: '没有可撤销的更改' },
    remedy: {
      en: 'Choose a run that has applied changes, and a person among them.',
      zh: '请选择已写入更改的同步，以及其中涉及的人员。',
    },
  },
  'sync/settings-changed': {
    status: 409,
    title: { en: 'The settings became more cautious meanwhile', zh: '设置在此期间变得更谨慎' },
    remedy: { en: 'Start a new run; it goes by the new settings.', zh: '请重新同步，将按新设置执行。' },
  },
  'sync/timeout': {
    status: 504,
    title: { en: 'The run took too long', zh: '同步超时' },
    remedy: {
      en: 'Raise MUSTER_RUN_TIMEOUT_MINUTES, or find out why WeCom answers slowly.',
      zh: '请调大 MUSTER_RUN_TIMEOUT_MINUTES，或检查企业微信响应缓慢的原因。',
    },
  },
  'sync/nothing-read': {
    status: 502,
    title: { en: 'Nothing could be read from WeCom', zh: '未能从企业微信读取任何数据' },
    remedy: {
      en: 'See the listed failures; nothing here was changed.',
      zh: '请查看所列失败原因；本地数据未作任何更改。',
    },
  },
  'sync/failed': {
    status: 500,
    title: { en: 'The run failed', zh: '同步失败' },
    remedy: {
      en: 'Search the log for the run id; starting again is safe.',
      zh: '请在日志中按同步编号查找原因；可以安全地重新同步。',
    },
  },
  'sync/unusable-row': {
    status: 409,
    title: { en: 'WeCom sent something that cannot be used', zh: '企业微信返回的数据无法使用' },
    remedy: { en: 'Correct the entry in WeCom, then run again.', zh: '请在企业微信中更正后重新同步。' },
  },
  'sync/name-unusable': {
    status: 409,
    title: { en: 'The name cannot be stored', zh: '名称无法保存' },
    remedy: { en: 'Correct the name in WeCom, then run again.', zh: '请在企业微信中更正名称后重新同步。' },
  },
  'sync/write-failed': {
    status: 500,
    title: { en: 'The database refused this row', zh: '数据库拒绝写入该行' },
    remedy: {
      en: 'Look for characters or lengths that stand out, then run again.',
      zh: '请检查异常字符或长度后重新同步。',
    },
  },
  'directory/email-taken': {
    status: 409,
    title: { en: 'Another user has this e-mail address', zh: '该邮箱已被其他用户使用' },
    remedy: {
      en: 'Change one of the two addresses, or link the two people.',
      zh: '请修改其中一个邮箱，或将两者关联。',
    },
  },
  'directory/username-taken': {
    status: 409,
    title: { en: 'Another user has this username', zh: '该用户名已被使用' },
    remedy: { en: 'Choose another username.', zh: '请更换用户名。' },
  },
  'directory/source-owned': {
    status: 409,
    title: { en: 'This is owned by WeCom', zh: '该内容由企业微信管理' },
    remedy: { en: 'Change it in WeCom; sync brings it here.', zh: '请在企业微信中修改，同步后生效。' },
  },
  'directory/built-in-off': {
    status: 409,
    title: { en: 'Built-in users are switched off', zh: '未启用内置用户' },
    remedy: {
      en: 'Set builtInUsersAllowed on the organization.',
      zh: '请在组织设置中开启 builtInUsersAllowed。',
    },
  },
  'directory/username-deceptive': {
    status: 400,
    title: { en: 'The username could be taken for another one', zh: '该用户名容易与其他用户名混淆' },
    remedy: {
      en: 'Use letters of one alphabet, without invisible or full-width characters.',
      zh: '请使用同一种文字的字母，不要包含不可见字符或全角字符。',
    },
  },
  'passwords/weak': {
    status: 400,
    title: { en: 'The password is too easy to guess', zh: '密码过于容易猜测' },
    remedy: {
      en: 'Choose a longer one that is no name and no common password. Several words are easy to remember.',
      zh: '请使用更长的密码，不要使用姓名或常见密码。用几个词组成的密码便于记忆。',
    },
  },
  'passwords/wrong': {
    status: 403,
    title: { en: 'The user name or the password is wrong', zh: '用户名或密码错误' },
    remedy: {
      en: 'Check both. An administrator can give out a new password.',
      zh: '请检查后重试。管理员可以重置密码。',
    },
  },
  'passwords/different': {
    status: 400,
    title: { en: 'The new passwords are not the same', zh: '两次输入的新密码不一致' },
    remedy: { en: 'Type the new one twice.', zh: '请两次输入相同的新密码。' },
  },
  'passwords/too-many-guesses': {
    status: 429,
    title: { en: 'Too many wrong passwords', zh: '密码错误次数过多' },
    remedy: {
      en: 'Wait until the time in Retry-After is over. The correct password is not accepted before.',
      zh: '请在 Retry-After 所示时间之后重试。在此之前，正确的密码也不会被接受。',
    },
  },
  'passwords/busy': {
    status: 503,
    title: { en: 'Too many passwords are being checked just now', zh: '当前正在校验的密码过多' },
    remedy: { en: 'Try again in a few seconds.', zh: '请几秒后重试。' },
  },
  'sessions/not-found': { status: 404, title: { en: 'No such session', zh: '会话不存在' }, remedy: askList },
  'sessions/refused': {
    status: 403,
    title: { en: 'This account cannot be signed in now', zh: '该账号目前无法登录' },
    remedy: {
      en: 'Start over. If it happens again, an administrator can see whether the account or its way in was closed.',
      zh: '请重新开始登录。如果仍然如此，请联系管理员查看账号或登录方式是否已停用。',
    },
  },
  'users/not-found': { status: 404, title: { en: 'No such user', zh: '用户不存在' }, remedy: askList },
  'users/not-built-in': {
    status: 409,
    title: { en: 'Only a built-in user can be a break-glass account', zh: '只有内置用户才能标记为应急账号' },
    remedy: {
      en: 'Create a built-in user for emergencies; one that came from WeCom goes when WeCom says so.',
      zh: '请另建一个内置用户作为应急账号；来自企业微信的用户会随企业微信而停用。',
    },
  },
  'users/not-deleted': {
    status: 409,
    title: { en: 'The user is not deleted', zh: '用户未被删除' },
    remedy: { en: 'Nothing needs to be restored.', zh: '无需恢复。' },
  },
  'users/deleted': {
    status: 409,
    title: { en: 'The user is deleted', zh: '用户已被删除' },
    remedy: { en: 'Restore the user first.', zh: '请先恢复该用户。' },
  },
  'users/last-owner': {
    status: 409,
    title: { en: 'This is the last owner', zh: '这是最后一位所有者' },
    remedy: { en: 'Make somebody else an owner first.', zh: '请先指定其他所有者。' },
  },
  'departments/not-found': { status: 404, title: { en: 'No such department', zh: '部门不存在' }, remedy: askList },
  'departments/cycle': {
    status: 409,
    title: { en: 'A department cannot be inside itself', zh: '部门不能位于自身之下' },
    remedy: { en: 'Choose another parent.', zh: '请更换上级部门。' },
  },
  'departments/not-empty': {
    status: 409,
    title: { en: 'The department is not empty', zh: '部门不为空' },
    remedy: { en: 'Move its people and sub-departments first.', zh: '请先移走其成员和子部门。' },
  },
  'links/not-found': { status: 404, title: { en: 'No such link', zh: '关联不存在' }, remedy: askList },
  'links/taken': {
    status: 409,
    title: { en: 'The member or the user is already linked', zh: '该成员或用户已有关联' },
    remedy: { en: 'Remove the existing link first.', zh: '请先解除已有关联。' },
  },
  'reviews/not-found': { status: 404, title: { en: 'No such review', zh: '待处理项不存在' }, remedy: askList },
  'reviews/resolved': {
    status: 409,
    title: { en: 'This was decided already', zh: '该项已处理' },
    remedy: {
      en: 'Read the review to see what was decided, or that there is nothing to decide any more.',
      zh: '请读取该项，查看已做出的决定，或确认已无需决定。',
    },
  },
  'reviews/changed': {
    status: 409,
    title: { en: 'Something changed while this was decided', zh: '处理期间相关数据已变更' },
    remedy: { en: 'Read the review and the user again, then decide.', zh: '请重新读取该项和用户后再决定。' },
  },
  'events/not-found': { status: 404, title: { en: 'No such event', zh: '事件不存在' }, remedy: askList },
  'events/secret-gone': {
    status: 409,
    title: { en: 'The one-time code of this event is used up or too old', zh: '该事件的一次性授权码已使用或已过期' },
    remedy: {
      en: 'Have the company authorise the app again, or reset the permanent code in WeCom: that sends a new event.',
      zh: '请让企业重新授权此应用，或在企业微信中重置永久授权码，以产生新的事件。',
    },
  },
  'events/failed': {
    status: 500,
    title: { en: 'The event could not be worked off', zh: '事件处理失败' },
    remedy: {
      en: 'Search the log for the id of the event. A replay or the next run reads its object again.',
      zh: '请在日志中按事件编号查找原因。重放该事件或下一次同步都会重新读取其对象。',
    },
  },
  'runs/not-found': { status: 404, title: { en: 'No such run', zh: '同步记录不存在' }, remedy: askList },
  'api-tokens/not-found': { status: 404, title: { en: 'No such API token', zh: 'API 令牌不存在' }, remedy: askList },
  'applications/not-found': { status: 404, title: { en: 'No such application', zh: '应用不存在' }, remedy: askList },
  'applications/secret-not-found': {
    status: 404,
    title: { en: 'The application has no such secret', zh: '应用没有此密钥' },
    remedy: askList,
  },
  'applications/public': {
    status: 409,
    title: { en: 'A public application has no secret', zh: '公开应用没有密钥' },
    remedy: {
      en: 'Nothing is needed: it proves itself with PKCE. Create another application if it can keep a secret.',
      zh: '无需操作：它以 PKCE 证明自己。若应用能保守密钥，请另建一个应用。',
    },
  },
  'applications/too-many-secrets': {
    status: 409,
    title: { en: 'The application has two secrets already', zh: '应用已有两个密钥' },
    remedy: {
      en: 'Delete the one that is no longer in use, then add the new one.',
      zh: '请先删除不再使用的密钥，再添加新的。',
    },
  },
  'applications/last-secret': {
    status: 409,
    title: { en: 'This is the only secret of the application', zh: '这是应用唯一的密钥' },
    remedy: {
      en: 'Add another one first, or disable the application.',
      zh: '请先添加另一个密钥，或停用该应用。',
    },
  },
  'oidc/no-keys': {
    status: 409,
    title: { en: 'There are no signing keys yet', zh: '尚无签名密钥' },
    remedy: {
      en: 'Nothing is needed: they are made when the first application asks.',
      zh: '无需操作：首个应用请求时会自动生成。',
    },
  },
  'oidc/rotation-too-soon': {
    status: 409,
    title: {
      en: 'Applications may not know the next signing key yet',
      zh: '应用可能尚未获知下一个签名密钥',
    },
    remedy: {
      en: 'Rotate a day after that key was published. If a key may be known to others, withdraw all of them at once with --withdraw.',
      zh: '请在该密钥发布一天后再轮换。若密钥可能已泄露，请用 --withdraw 立即撤回全部密钥。',
    },
  },
  'administrators/not-found': {
    status: 404,
    title: { en: 'No such administrator', zh: '管理员不存在' },
    remedy: askList,
  },
  'administrators/exists': {
    status: 409,
    title: { en: 'The user is an administrator already', zh: '该用户已是管理员' },
    remedy: { en: 'Change the role instead.', zh: '请直接修改其角色。' },
  },
  'vault/wrong-key': {
    status: 500,
    title: { en: 'The master key does not belong to this database', zh: '主密钥与该数据库不匹配' },
    remedy: {
      en: 'Start with the key that sealed it (MUSTER_MASTER_KEY or master.key in the data directory).',
      zh: '请使用加密时的主密钥启动（MUSTER_MASTER_KEY 或数据目录中的 master.key）。',
    },
  },
  'wecom/credential': wecom('WeCom refused the credentials', '企业微信拒绝了凭证'),
  'wecom/address': wecom('WeCom does not trust the address of this server', '企业微信不信任本服务器的地址'),
  'wecom/permission': wecom('The app may not call this WeCom API', '应用无权调用该企业微信接口'),
  'wecom/scope': wecom('This is outside the visible range of the app', '超出应用的可见范围'),
  'wecom/not-found': wecom('WeCom does not know this', '企业微信中不存在'),
  'wecom/frequency': wecom('WeCom asks to slow down', '企业微信接口调用过于频繁'),
  'wecom/busy': wecom('WeCom is busy', '企业微信系统繁忙'),
  'wecom/network': wecom('WeCom could not be reached', '无法连接企业微信'),
  'wecom/timeout': wecom('WeCom did not answer in time', '企业微信响应超时'),
  'wecom/protocol': wecom('WeCom gave an answer that cannot be understood', '企业微信返回了无法识别的内容'),
  'wecom/sign-in': wecom('WeCom does not accept this sign-in code', '企业微信不接受该登录凭证'),
  'wecom/configuration': wecom('Something must be set differently in WeCom', '企业微信中的设置需要调整'),
  'wecom/licence': wecom('The company needs another WeCom interface licence', '企业需要其他企业微信接口许可'),
  'wecom/refused': wecom('WeCom refused, for a reason Muster does not know', '企业微信因未知原因拒绝了请求'),
  'wecom/invalid-request': wecom('WeCom did not accept the request', '企业微信不接受该请求'),
} as const satisfies Record<string, Entry>

function wecom(en: string, zh: string): Entry {
  return {
    status: 502,
    title: { en, zh },
    remedy: {
      en: 'Follow what WeCom says about this error code; nothing here was removed.',
      zh: '请按企业微信对该错误码的说明处理；本地没有移除任何内容。',
    },
  }
}

export type ErrorCode = keyof typeof errorTable

/** One field of a request that was not accepted; `path` is dotted, for example `sync.schedule.at`. */
export interface FieldProblem {
  path: string
  message: string
}

/** What is wrong with one thing, in a form that can be stored and shown in either language later. */
export interface Problem {
  code: ErrorCode
  detail?: Text | undefined
  /** Replaces the remedy of the table where more is known. */
  remedy?: Text | undefined
}

/** An expected failure with a permanent code. Anything else that is thrown is a bug or a broken machine. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly detail: Text | undefined
  readonly remedy: Text | undefined
  readonly fields: readonly FieldProblem[] | undefined
  /** Further members of the problem document, such as the id of the active run. */
  readonly extra: Readonly<Record<string, unknown>> | undefined

  constructor(
    code: ErrorCode,
    options: {
      detail?: Text | undefined
      remedy?: Text | undefined
      fields?: readonly FieldProblem[]
      extra?: Record<string, unknown>
      cause?: unknown
    } = {},
  ) {
    super(`${code}: ${(options.detail ?? errorTable[code].title).en}`, { cause: options.cause })
    this.code = code
    this.detail = options.detail
    this.remedy = options.remedy
    this.fields = options.fields
    this.extra = options.extra
  }

  get status(): number {
    return errorTable[this.code].status
  }

  get problem(): Problem {
    return { code: this.code, detail: this.detail, remedy: this.remedy }
  }
}

/** Reaching this is a bug; the parameter type makes the compiler prove that it cannot happen. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`)
}
