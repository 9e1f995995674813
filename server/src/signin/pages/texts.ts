/**
 * Every sentence of the pages in English and Chinese. One type for both, so that none can be missing in one of them. Plain
 * words, no blame, no codes of WeCom; names are put in as marked and isolated markup.
 */
import type { SignInReason } from '@muster/contracts'
import type { Language } from '../../errors.ts'
import { html, type Html } from '../../html.ts'
import type { NewPasswordProblem } from './views.ts'

export interface Refusal {
  readonly title: string
  readonly detail: string
}

export interface Texts {
  readonly signIn: string
  readonly signInTo: (application: Html) => Html
  readonly signInToTitle: (application: string) => string
  readonly connectionButton: (connection: Html) => Html
  /** Below the title, once a connection is chosen. */
  readonly chosen: (connection: Html) => Html
  readonly otherWays: string
  readonly or: string
  readonly scan: string
  readonly panelLoading: string
  readonly panelBlocked: string
  readonly panelProblems: Readonly<Record<'address' | 'app' | 'origin' | 'other', string>>
  readonly openWecomPage: string
  readonly openApp: string
  readonly openAppHint: string
  readonly openInWecomTitle: string
  readonly openInWecomHint: string
  readonly openInWecomSteps: readonly string[]
  readonly link: string
  readonly copy: string
  readonly copied: string
  readonly noWay: string
  readonly withPassword: string
  readonly username: string
  readonly password: string
  readonly passwordWrong: string
  readonly passwordBusy: string
  readonly passwordThrottled: (seconds: number) => string
  readonly back: string
  readonly backTo: (application: Html) => Html
  readonly again: string
  readonly reference: string
  readonly numberTitle: string
  readonly numberHint: string
  readonly numberLabel: (number: string) => string
  readonly numberWaiting: string
  readonly numberAskTitle: string
  readonly numberAskFor: (application: Html) => Html
  readonly numberAskHint: string
  readonly numberAskWarning: string
  readonly numberField: string
  readonly numberWrong: string
  readonly numberRightTitle: string
  readonly numberRight: string
  readonly goOn: string
  readonly bindTitle: string
  readonly bindAs: (member: Html, connection: Html) => Html
  readonly bindHint: string
  readonly bindHave: string
  readonly bind: string
  readonly createTitle: string
  readonly createHint: string
  readonly create: string
  readonly waitingTitle: string
  readonly waiting: string
  readonly goingOnTitle: string
  readonly expiredTitle: string
  readonly expired: string
  readonly refusals: Readonly<Record<SignInReason, Refusal>>
  readonly askAdministrator: string
  readonly changeTitle: string
  readonly changeForced: string
  readonly changeWished: string
  readonly currentPassword: string
  readonly newPassword: string
  readonly repeatPassword: string
  readonly passwordLength: (characters: number) => string
  readonly save: string
  readonly newPasswordProblems: Readonly<
    Record<Exclude<NewPasswordProblem['kind'], 'busy' | 'throttled' | 'refused'>, string>
  >
  readonly wecomButton: (connection: Html) => Html
  readonly signOutTitle: string
  readonly signingOutTitle: string
  readonly signOutAs: (user: Html) => Html
  readonly signOutFor: (application: Html) => Html
  readonly signOutHint: string
  readonly signOut: string
  readonly stay: string
  readonly signedOutTitle: string
  readonly signedOut: string
  readonly signInAgain: string
  readonly authorisedTitle: string
  readonly authorised: string
  readonly errorTitle: string
  readonly applicationErrorTitle: string
  readonly applicationError: string
  readonly signOutErrorTitle: string
  readonly signOutError: string
  readonly toAccount: string
  readonly popUpTitle: string
  readonly popUpSignedIn: string
  readonly popUpRefused: string
  readonly language: string
}

const minutes = (seconds: number): number => Math.max(1, Math.ceil(seconds / 60))

const en: Texts = {
  signIn: 'Sign in',
  signInTo: (application) => html`Sign in to ${application}`,
  signInToTitle: (application) => `Sign in to ${application}`,
  connectionButton: (connection) => html`Continue with ${connection}`,
  chosen: (connection) => html`With ${connection}`,
  otherWays: 'Other ways to sign in',
  or: 'or',
  scan: 'Scan the code with WeCom on your phone.',
  panelLoading: 'Loading the code …',
  panelBlocked: 'The code does not load here. Use the button below instead.',
  panelProblems: {
    address:
      'WeCom does not accept the address of this site. Use the button below; if that fails too, tell your administrator.',
    app: 'WeCom does not know the app that this site uses. Please tell your administrator.',
    origin: 'WeCom does not show the code on this page. Use the button below instead.',
    other: 'WeCom could not sign you in here. Use the button below instead.',
  },
  openWecomPage: 'Sign in on WeCom’s page',
  openApp: 'Open WeCom',
  openAppHint: 'WeCom opens, asks you to confirm, and brings you back here.',
  openInWecomTitle: 'Open this page in WeCom',
  openInWecomHint: 'WeChat cannot sign you in here.',
  openInWecomSteps: ['Copy the link.', 'Send it to yourself in WeCom.', 'Open it there.'],
  link: 'Link',
  copy: 'Copy link',
  copied: 'Copied',
  noWay: 'There is no way to sign in here at the moment. Please ask your administrator.',
  withPassword: 'Sign in with a password',
  username: 'User name',
  password: 'Password',
  passwordWrong: 'The user name or the password is wrong.',
  passwordBusy: 'Too many people are signing in right now. Please try again in a few seconds.',
  passwordThrottled: (seconds) =>
    `Too many wrong passwords. Try again in ${minutes(seconds)} ${minutes(seconds) === 1 ? 'minute' : 'minutes'}.`,
  back: 'Back',
  backTo: (application) => html`Back to ${application}`,
  again: 'Try again',
  reference: 'Reference',
  numberTitle: 'Is it you?',
  numberHint: 'WeCom has opened another browser. Enter this number there:',
  numberLabel: (number) => `The number is ${number.split('').join(' ')}`,
  numberWaiting: 'This page goes on by itself.',
  numberAskTitle: 'Enter the number',
  numberAskFor: (application) => html`You are signing in to ${application} in another browser. `,
  numberAskHint: 'That browser shows a number with two digits. Enter it here.',
  numberAskWarning: 'Never enter a number that somebody else has sent or told you: it would sign them in as you.',
  numberField: 'Number with two digits',
  numberWrong: 'That is not the number. Look at the other browser again.',
  numberRightTitle: 'That is right',
  numberRight: 'Go on in the other browser. You can close this page.',
  goOn: 'Continue',
  bindTitle: 'Which account is yours?',
  bindAs: (member, connection) => html`${connection} knows you as ${member}. No account here belongs to you yet.`,
  bindHint: 'You do this once. From then on WeCom alone is enough.',
  bindHave: 'I have an account',
  bind: 'Connect this account',
  createTitle: 'I have no account',
  createHint: 'A new one is made from what WeCom says about you.',
  create: 'Create a new account',
  waitingTitle: 'One moment',
  waiting: 'WeCom is being asked. This page goes on by itself.',
  goingOnTitle: 'You are being taken on',
  expiredTitle: 'This page is no longer valid',
  expired: 'Signing in took too long, or it was finished elsewhere. Go back to where you came from and start again.',
  refusals: {
    'not-a-member': {
      title: 'You are not a member of this company',
      detail:
        'The WeCom account that was used belongs to another company, or is a personal one. Use your work account.',
    },
    'corp-not-authorised': {
      title: 'Your company does not use this service',
      detail: 'It has not allowed it in WeCom, or has withdrawn that.',
    },
    unreadable: {
      title: 'You cannot be let in yet',
      detail: 'WeCom does not show your details to this service. Your administrator can add you to the app in WeCom.',
    },
    'disabled-in-wecom': {
      title: 'Your WeCom account is disabled',
      detail: 'It was disabled in your company’s address book.',
    },
    'left-wecom': {
      title: 'You have left this company in WeCom',
      detail: 'WeCom says that you are no longer a member.',
    },
    'not-activated': {
      title: 'Your WeCom account is not activated',
      detail: 'Sign in to the WeCom app once, then try again.',
    },
    disabled: { title: 'Your account is disabled', detail: 'It was disabled by your administrator.' },
    deleted: { title: 'Your account was deleted', detail: 'It cannot be used any more.' },
    'sign-in-off': {
      title: 'Signing in this way is switched off',
      detail: 'Use another way, or ask your administrator.',
    },
    'not-linked': {
      title: 'No account here belongs to you',
      detail: 'Only people who already have an account can sign in this way.',
    },
    'domain-not-allowed': {
      title: 'Your e-mail address is not allowed here',
      detail: 'New accounts are made for certain e-mail domains only.',
    },
    'email-taken': {
      title: 'Your e-mail address is in use',
      detail: 'Another account has it. Your administrator has been asked to look at it.',
    },
    'under-review': {
      title: 'Your administrator has to look at this',
      detail: 'It is not certain which account is yours. The question has been passed on.',
    },
    'cannot-create': {
      title: 'No account could be made for you',
      detail: 'What WeCom says about you is not enough for one.',
    },
    'already-linked': {
      title: 'This account already has another WeCom member',
      detail: 'One member of a company can use an account. Sign in with the other one, or ask for it to be removed.',
    },
    declined: { title: 'Signing in was cancelled', detail: 'It was not confirmed in WeCom.' },
    'state-invalid': {
      title: 'This sign-in cannot be continued',
      detail: 'It was used already, is too old, or began in another browser. Start again.',
    },
    expired: { title: 'Signing in took too long', detail: 'Start again; you have ten minutes.' },
    'code-rejected': {
      title: 'WeCom did not accept the code',
      detail: 'It was used already or is too old. Try again.',
    },
    'code-of-another-door': {
      title: 'WeCom did not accept the code',
      detail: 'It was made for another app or another address.',
    },
    'number-wrong': {
      title: 'The number was wrong three times',
      detail: 'For your safety this sign-in has ended. Start again in the first browser.',
    },
    'connection-unknown': {
      title: 'This way to sign in does not exist',
      detail: 'The application may not use it, or its address is wrong.',
    },
    'connection-changed': {
      title: 'The settings were changed meanwhile',
      detail: 'An administrator changed this way to sign in while you were using it. Start again.',
    },
    'too-many-attempts': { title: 'Too many attempts', detail: 'Wait a minute, then try again.' },
    'password-wrong': { title: 'The user name or the password is wrong', detail: 'Try again.' },
    'password-throttled': { title: 'Too many wrong passwords', detail: 'Wait a quarter of an hour, then try again.' },
    'wecom-unavailable': {
      title: 'WeCom does not answer',
      detail: 'Nobody can be signed in through it right now. Try again in a few minutes.',
    },
    'wecom-problem': {
      title: 'WeCom refused to tell who you are',
      detail: 'Something is not set up as it has to be. Your administrator finds the cause under the reference below.',
    },
  },
  askAdministrator: 'If this is wrong, give this reference to your administrator.',
  changeTitle: 'Choose a new password',
  changeForced: 'Your password was set by somebody else. Choose one that only you know.',
  changeWished: 'You stay signed in here, and are signed out everywhere else.',
  currentPassword: 'Current password',
  newPassword: 'New password',
  repeatPassword: 'New password again',
  passwordLength: (characters) => `At least ${characters} characters. A sentence is fine.`,
  save: 'Save password',
  newPasswordProblems: {
    wrong: 'The current password is wrong.',
    'too-short': 'The new password is too short.',
    'too-long': 'The new password is too long.',
    differs: 'The two new passwords differ.',
    same: 'The new password is the old one.',
    'too-common': 'This password is easy to guess. Choose another one.',
  },
  wecomButton: (connection) => html`Continue with WeCom · ${connection}`,
  signOutTitle: 'Sign out?',
  signingOutTitle: 'Signing out',
  signOutAs: (user) => html`You are signed in as ${user}.`,
  signOutFor: (application) => html`${application} asks to sign you out.`,
  signOutHint: 'You are signed out here, and in the applications that can be told so.',
  signOut: 'Sign out',
  stay: 'Stay signed in',
  signedOutTitle: 'You are signed out',
  signedOut: 'On a computer that others use, close the browser, too.',
  signInAgain: 'Sign in again',
  authorisedTitle: 'Your company has authorised the app',
  authorised: 'Nothing more is needed here. You can close this page.',
  errorTitle: 'Something went wrong',
  applicationErrorTitle: 'This sign-in cannot go on',
  applicationError:
    'The application sent a request that is wrong, or one that has expired. Go back to it and sign in again.',
  signOutErrorTitle: 'This sign-out cannot go on',
  signOutError:
    'The application asked for it in a way that is not set up here. To sign out all the same, go to your account page.',
  toAccount: 'To my account',
  popUpTitle: 'Signing in',
  popUpSignedIn: 'You are signed in. You can close this window.',
  popUpRefused: 'You are not signed in. You can close this window.',
  language: 'Language',
}

const zh: Texts = {
  signIn: '登录',
  signInTo: (application) => html`登录${application}`,
  signInToTitle: (application) => `登录${application}`,
  connectionButton: (connection) => html`使用${connection}登录`,
  chosen: (connection) => html`使用${connection}登录`,
  otherWays: '其他登录方式',
  or: '或',
  scan: '请使用手机企业微信扫描二维码。',
  panelLoading: '正在加载二维码……',
  panelBlocked: '二维码无法在此加载，请点击下方按钮登录。',
  panelProblems: {
    address: '企业微信不认可本站地址。请点击下方按钮登录；若仍然失败，请联系管理员。',
    app: '企业微信找不到本站使用的应用，请联系管理员。',
    origin: '企业微信不允许在此页面显示二维码，请点击下方按钮登录。',
    other: '未能在此完成企业微信登录，请点击下方按钮登录。',
  },
  openWecomPage: '前往企业微信页面登录',
  openApp: '打开企业微信',
  openAppHint: '将打开企业微信，确认后自动返回此页面。',
  openInWecomTitle: '请在企业微信中打开',
  openInWecomHint: '无法在微信中完成登录。',
  openInWecomSteps: ['复制链接', '在企业微信中发送给自己', '在企业微信中打开该链接'],
  link: '链接',
  copy: '复制链接',
  copied: '已复制',
  noWay: '当前没有可用的登录方式，请联系管理员。',
  withPassword: '使用密码登录',
  username: '用户名',
  password: '密码',
  passwordWrong: '用户名或密码错误。',
  passwordBusy: '当前登录人数过多，请几秒后重试。',
  passwordThrottled: (seconds) => `密码错误次数过多，请 ${minutes(seconds)} 分钟后重试。`,
  back: '返回',
  backTo: (application) => html`返回${application}`,
  again: '重试',
  reference: '参考编号',
  numberTitle: '请确认是您本人',
  numberHint: '企业微信打开了另一个浏览器，请在那里输入以下数字：',
  numberLabel: (number) => `数字是 ${number.split('').join(' ')}`,
  numberWaiting: '输入后，此页面会自动继续。',
  numberAskTitle: '请输入数字',
  numberAskFor: (application) => html`您正在另一个浏览器中登录${application}。`,
  numberAskHint: '那个浏览器中显示了两位数字，请在此输入。',
  numberAskWarning: '切勿输入他人发给您或告诉您的数字，否则对方将以您的身份登录。',
  numberField: '两位数字',
  numberWrong: '数字不正确，请再次查看另一个浏览器。',
  numberRightTitle: '验证通过',
  numberRight: '请回到另一个浏览器继续，此页面可以关闭。',
  goOn: '继续',
  bindTitle: '哪个账号是您的？',
  bindAs: (member, connection) => html`您在${connection}中的身份是${member}，尚未关联本系统的账号。`,
  bindHint: '只需操作一次，之后使用企业微信即可登录。',
  bindHave: '我已有账号',
  bind: '关联此账号',
  createTitle: '我没有账号',
  createHint: '将根据企业微信中的资料为您创建新账号。',
  create: '创建新账号',
  waitingTitle: '请稍候',
  waiting: '正在向企业微信确认，此页面会自动继续。',
  goingOnTitle: '正在跳转',
  expiredTitle: '此页面已失效',
  expired: '登录超时，或已在别处完成。请返回原来的应用重新开始。',
  refusals: {
    'not-a-member': {
      title: '您不是该企业的成员',
      detail: '所用的企业微信账号属于其他企业，或是个人微信。请使用您的工作账号。',
    },
    'corp-not-authorised': {
      title: '您的企业未开通此服务',
      detail: '企业尚未在企业微信中授权，或已取消授权。',
    },
    unreadable: {
      title: '暂时无法登录',
      detail: '企业微信未向本服务提供您的资料。请管理员在企业微信中将您加入应用的可见范围。',
    },
    'disabled-in-wecom': { title: '您的企业微信账号已被禁用', detail: '该账号已在企业通讯录中被禁用。' },
    'left-wecom': { title: '您已退出该企业', detail: '企业微信显示您已不是该企业的成员。' },
    'not-activated': { title: '您的企业微信账号尚未激活', detail: '请先登录一次企业微信客户端，然后重试。' },
    disabled: { title: '您的账号已被禁用', detail: '管理员已禁用该账号。' },
    deleted: { title: '您的账号已被删除', detail: '该账号无法继续使用。' },
    'sign-in-off': { title: '该登录方式已关闭', detail: '请使用其他方式登录，或联系管理员。' },
    'not-linked': { title: '未找到您的账号', detail: '此登录方式仅供已有账号的人员使用。' },
    'domain-not-allowed': { title: '您的邮箱不在允许范围内', detail: '仅允许特定邮箱域名创建新账号。' },
    'email-taken': { title: '您的邮箱已被占用', detail: '另一个账号使用了该邮箱，已提请管理员处理。' },
    'under-review': { title: '需要管理员确认', detail: '无法确定哪个账号属于您，已提请管理员处理。' },
    'cannot-create': { title: '无法为您创建账号', detail: '企业微信提供的资料不足以创建账号。' },
    'already-linked': {
      title: '该账号已关联其他企业微信成员',
      detail: '一个账号只能由一位企业成员使用。请用原成员登录，或请管理员解除关联。',
    },
    declined: { title: '登录已取消', detail: '未在企业微信中确认登录。' },
    'state-invalid': {
      title: '此次登录无法继续',
      detail: '登录请求已被使用、已过期，或来自另一个浏览器。请重新开始。',
    },
    expired: { title: '登录超时', detail: '请重新开始，并在十分钟内完成。' },
    'code-rejected': { title: '企业微信未接受登录凭证', detail: '凭证已被使用或已过期，请重试。' },
    'code-of-another-door': { title: '企业微信未接受登录凭证', detail: '凭证属于其他应用或其他地址。' },
    'number-wrong': {
      title: '数字已输错三次',
      detail: '为保障安全，此次登录已终止。请在第一个浏览器中重新开始。',
    },
    'connection-unknown': { title: '该登录方式不存在', detail: '应用无权使用此登录方式，或地址有误。' },
    'connection-changed': { title: '登录设置已更改', detail: '登录期间管理员更改了此登录方式，请重新开始。' },
    'too-many-attempts': { title: '尝试次数过多', detail: '请一分钟后重试。' },
    'password-wrong': { title: '用户名或密码错误', detail: '请重试。' },
    'password-throttled': { title: '密码错误次数过多', detail: '请十五分钟后重试。' },
    'wecom-unavailable': { title: '企业微信没有响应', detail: '暂时无法通过企业微信登录，请几分钟后重试。' },
    'wecom-problem': {
      title: '企业微信拒绝提供您的身份',
      detail: '相关配置有误，管理员可凭下方参考编号查明原因。',
    },
  },
  askAdministrator: '如有疑问，请将此编号告知管理员。',
  changeTitle: '设置新密码',
  changeForced: '当前密码由他人设置，请设置一个只有您知道的密码。',
  changeWished: '此处保持登录状态，其他位置将全部退出登录。',
  currentPassword: '当前密码',
  newPassword: '新密码',
  repeatPassword: '再次输入新密码',
  passwordLength: (characters) => `至少 ${characters} 个字符，可以是一句话。`,
  save: '保存密码',
  newPasswordProblems: {
    wrong: '当前密码错误。',
    'too-short': '新密码太短。',
    'too-long': '新密码太长。',
    differs: '两次输入的新密码不一致。',
    same: '新密码与旧密码相同。',
    'too-common': '该密码容易被猜到，请更换。',
  },
  wecomButton: (connection) => html`企业微信登录 · ${connection}`,
  signOutTitle: '确认退出登录？',
  signingOutTitle: '正在退出登录',
  signOutAs: (user) => html`当前登录用户：${user}`,
  signOutFor: (application) => html`${application}请求为您退出登录。`,
  signOutHint: '将在此处退出，并通知支持统一退出的应用。',
  signOut: '退出登录',
  stay: '保持登录',
  signedOutTitle: '您已退出登录',
  signedOut: '如使用公共电脑，请同时关闭浏览器。',
  signInAgain: '重新登录',
  authorisedTitle: '贵企业已完成授权',
  authorised: '无需其他操作，可以关闭此页面。',
  errorTitle: '出现错误',
  applicationErrorTitle: '无法继续登录',
  applicationError: '应用发来的请求有误或已过期，请返回该应用重新登录。',
  signOutErrorTitle: '无法完成退出',
  signOutError: '应用请求退出的方式未在此配置。如需退出，请前往账号页面。',
  toAccount: '前往我的账号',
  popUpTitle: '登录',
  popUpSignedIn: '您已登录，可以关闭此窗口。',
  popUpRefused: '您未登录，可以关闭此窗口。',
  language: '语言',
}

export const texts: Readonly<Record<Language, Texts>> = { en, zh }

/** How each language calls itself. */
export const LANGUAGES = {
  zh: { tag: 'zh-CN', name: '中文' },
  en: { tag: 'en', name: 'English' },
} as const satisfies Record<Language, { tag: string; name: string }>

/**
 * What the person chose on a page outranks what the application asks for (`ui_locales`), and that what the browser says.
 * Chinese and English; English where nobody asks for either.
 */
export function chooseLanguage({
  chosen,
  locales,
  acceptLanguage,
}: {
  /** From the address or the cookie. */
  readonly chosen: unknown
  readonly locales: readonly string[]
  readonly acceptLanguage: string | undefined
}): Language {
  if (chosen === 'zh' || chosen === 'en') return chosen
  return known(locales) ?? known(preferred(acceptLanguage ?? '')) ?? 'en'
}

function known(tags: readonly string[]): Language | undefined {
  const tag = tags.find((one) => /^(?:zh|en)(?:-|$)/i.test(one))
  return tag === undefined ? undefined : /^zh/i.test(tag) ? 'zh' : 'en'
}

/** Tags of `Accept-Language`, the most wanted first. */
function preferred(header: string): string[] {
  return header
    .slice(0, 1_000)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';').map((one) => one.trim())
      const weight = parameters.find((one) => one.startsWith('q='))?.slice(2)
      return { tag, weight: weight === undefined ? 1 : Number(weight) }
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag)
}
