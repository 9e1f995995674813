/** What was done, in words. The record keeps permanent keys; what has no words here yet is shown by its key. */

interface Words {
  readonly en: string
  readonly zh: string
}

const ACTIONS: Readonly<Record<string, Words>> = {
  'administrator.create': { en: 'gave a role', zh: '授予角色' },
  'administrator.delete': { en: 'took a role away', zh: '撤销角色' },
  'administrator.update': { en: 'changed a role', zh: '更改角色' },
  'api-token.create': { en: 'made an API token', zh: '创建 API 令牌' },
  'api-token.delete': { en: 'ended an API token', zh: '吊销 API 令牌' },
  'application.create': { en: 'connected an application', zh: '接入应用' },
  'application.delete': { en: 'removed an application', zh: '移除应用' },
  'application.secret-create': { en: 'made a secret of an application', zh: '新增应用密钥' },
  'application.secret-delete': { en: 'ended a secret of an application', zh: '删除应用密钥' },
  'application.update': { en: 'changed an application', zh: '修改应用' },
  'connection.create': { en: 'made a connection', zh: '创建连接' },
  'connection.delete': { en: 'removed a connection', zh: '移除连接' },
  'connection.release': { en: 'released a connection from the environment', zh: '连接不再由环境变量管理' },
  'connection.update': { en: 'changed a connection', zh: '修改连接' },
  'connection.verification-file.delete': { en: 'deleted a verification file', zh: '删除域名校验文件' },
  'connection.verification-file.save': { en: 'saved a verification file', zh: '保存域名校验文件' },
  'corp.authorize': { en: 'took in a company', zh: '企业已授权' },
  'corp.cancel': { en: 'ended the access of a company', zh: '企业取消授权' },
  'corp.change': { en: 'took in a changed authorisation', zh: '企业授权变更' },
  'corp.invite': { en: 'invited a company', zh: '邀请企业授权' },
  'corp.renew-code': { en: 'took in a new permanent code', zh: '更新永久授权码' },
  'database.restore': { en: 'restored a backup', zh: '恢复备份' },
  'department.create': { en: 'made a department', zh: '创建部门' },
  'department.delete': { en: 'deleted a department', zh: '删除部门' },
  'department.update': { en: 'changed a department', zh: '修改部门' },
  'event.replay': { en: 'had an event worked off again', zh: '重新处理事件' },
  'link.create': { en: 'linked a member', zh: '关联成员' },
  'link.delete': { en: 'removed a link', zh: '解除关联' },
  'link.link': { en: 'linked a member', zh: '关联成员' },
  'link.unlink': { en: 'removed a link', zh: '解除关联' },
  'link.update': { en: 'changed a link', zh: '修改关联' },
  'organization.create': { en: 'made an organization', zh: '创建组织' },
  'organization.delete': { en: 'deleted an organization', zh: '删除组织' },
  'organization.update': { en: 'changed an organization', zh: '修改组织' },
  'membership.create': { en: 'added to a department', zh: '加入部门' },
  'membership.delete': { en: 'took out of a department', zh: '移出部门' },
  'review.create': { en: 'decided on a new account', zh: '确认新建账号' },
  'review.ignore': { en: 'ignored a question', zh: '忽略待确认项' },
  'review.link': { en: 'decided whose account it is', zh: '确认关联账号' },
  'run.approve': { en: 'approved held removals', zh: '批准暂缓的移除' },
  'run.cancel': { en: 'cancelled a run', zh: '取消同步' },
  'run.reject': { en: 'rejected held removals', zh: '拒绝暂缓的移除' },
  'run.revert': { en: 'took a run back', zh: '撤销一次同步' },
  'run.start': { en: 'started a run', zh: '发起同步' },
  'session.confirm': { en: 'confirmed who they are', zh: '确认身份' },
  'session.end': { en: 'ended a session', zh: '结束会话' },
  'sign-in.fail': { en: 'signing in failed', zh: '登录失败' },
  'sign-in.refuse': { en: 'was not let in', zh: '登录被拒绝' },
  'sign-in.succeed': { en: 'signed in', zh: '登录成功' },
  'signing-key.rotate': { en: 'changed the signing key', zh: '轮换签名密钥' },
  'signing-key.withdraw': { en: 'withdrew a signing key', zh: '撤下签名密钥' },
  'user.change-password': { en: 'changed a password', zh: '修改密码' },
  'user.create': { en: 'made an account', zh: '创建账号' },
  'user.delete': { en: 'deleted an account', zh: '删除账号' },
  'user.disable': { en: 'disabled an account', zh: '停用账号' },
  'user.enable': { en: 'enabled an account', zh: '启用账号' },
  'user.mark-break-glass': { en: 'marked an emergency account', zh: '标记为应急账号' },
  'user.purge': { en: 'purged deleted accounts', zh: '清除已删除的账号' },
  'user.restore': { en: 'restored an account', zh: '恢复账号' },
  'user.sign-out': { en: 'signed somebody out everywhere', zh: '将某人全部退出登录' },
  'user.unmark-break-glass': { en: 'took the mark of an emergency account away', zh: '取消应急账号标记' },
  'user.update': { en: 'changed an account', zh: '修改账号' },
}

/** @returns undefined when there are no words for it */
export function actionWords(action: string, language: string): string | undefined {
  const words = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined
  return words?.[language.startsWith('zh') ? 'zh' : 'en']
}
