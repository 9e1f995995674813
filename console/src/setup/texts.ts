import { bothLanguages } from '../texts.ts'

export const setupTexts = bothLanguages(
  {
    title: 'Set up Muster',
    intro:
      'Make the first owner. An owner may do everything in this console: connect WeCom, change the directory, and give others a role.',
    username: 'Login name',
    usernameRule: 'At most 64 characters, without spaces. You sign in with it.',
    usernameMissing: 'Enter a login name.',
    usernameBad: 'A login name has at most 64 characters and no spaces.',
    displayName: 'Display name',
    displayNameRule: 'How others see you, such as your name.',
    displayNameMissing: 'Enter a display name.',
    go: 'Create the owner',
    keep: 'Keep this account safe: it works also on the day on which WeCom cannot be reached.',
    done: {
      title: '{{name}} is the owner now',
      why: 'The set-up address has done its work and opens nothing any more. Sign in with the login name {{username}} and the password that you have just chosen.',
      go: 'Sign in to the console',
    },
    closed: {
      title: 'Muster is set up already',
      why: 'There is an owner, so the set-up is closed for good. Sign in, or ask an owner for a role. Who has lost the password of the only owner resets it on the server:',
      go: 'Sign in to the console',
    },
    noToken: {
      title: 'This address needs its token',
      why: 'When Muster starts and nobody is an owner yet, it prints a line that begins with “Set-up:”. Open the whole address of that line, also what follows the #. It works once; each start prints a new one.',
      go: 'I have an account: sign in',
    },
  },
  {
    title: '初始化 Muster',
    intro: '创建第一位所有者。所有者可以在控制台中执行所有操作：连接企业微信、管理通讯录、为他人分配角色。',
    username: '登录名',
    usernameRule: '最长 64 个字符，不含空格。用于登录。',
    usernameMissing: '请输入登录名。',
    usernameBad: '登录名最长 64 个字符，且不能包含空格。',
    displayName: '显示名称',
    displayNameRule: '其他人看到的名称，例如您的姓名。',
    displayNameMissing: '请输入显示名称。',
    go: '创建所有者',
    keep: '请妥善保管此账号：即使企业微信无法访问，它也可以登录。',
    done: {
      title: '{{name}} 已成为所有者',
      why: '初始化地址已完成使命并失效。请使用登录名 {{username}} 和刚才设置的密码登录。',
      go: '登录控制台',
    },
    closed: {
      title: 'Muster 已完成初始化',
      why: '已有所有者，初始化永久关闭。请登录，或请所有者为您分配角色。如果唯一所有者的密码已遗失，可在服务器上重置：',
      go: '登录控制台',
    },
    noToken: {
      title: '此地址缺少令牌',
      why: 'Muster 启动时如果还没有所有者，会打印以“Set-up:”开头的一行。请打开该行的完整地址，包括 # 之后的部分。令牌只能使用一次；每次启动都会打印新的令牌。',
      go: '已有账号，直接登录',
    },
  },
)
