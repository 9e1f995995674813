/** The two pages of the sample application, in Chinese and English. Pure. */

/** The claims it shows; any of them may be missing. */
export interface Person {
  readonly sub: string
  readonly name?: string
  readonly preferred_username?: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly phone_number?: string
  readonly groups?: readonly string[]
}

type Language = 'zh' | 'en'

const TEXTS = {
  title: { en: 'Sample application', zh: '示例应用' },
  intro: { en: 'It knows nothing of WeCom. It trusts Muster.', zh: '它不了解企业微信，只信任 Muster。' },
  signIn: { en: 'Sign in', zh: '登录' },
  signOut: { en: 'Sign out', zh: '退出登录' },
  hello: { en: 'Signed in as', zh: '当前登录' },
  name: { en: 'Name', zh: '姓名' },
  username: { en: 'User name', zh: '用户名' },
  email: { en: 'E-mail', zh: '邮箱' },
  verified: { en: 'verified', zh: '已验证' },
  unverified: { en: 'not verified', zh: '未验证' },
  phone: { en: 'Phone', zh: '手机' },
  groups: { en: 'Groups', zh: '群组' },
  subject: { en: 'Subject', zh: '主体标识' },
  failed: { en: 'That did not work', zh: '操作未成功' },
  back: { en: 'Back', zh: '返回' },
} as const satisfies Record<string, Record<Language, string>>

export function homePage(language: Language, person: Person | undefined): string {
  const text = (key: keyof typeof TEXTS) => TEXTS[key][language]
  if (person === undefined) {
    return page(language, `<p>${text('intro')}</p><p><a class="button" href="/login">${text('signIn')}</a></p>`)
  }
  const verified = person.email === undefined ? '' : ` (${text(person.email_verified ? 'verified' : 'unverified')})`
  const rows: (readonly [string, string | undefined])[] = [
    [text('name'), person.name],
    [text('username'), person.preferred_username],
    [text('email'), person.email === undefined ? undefined : person.email + verified],
    [text('phone'), person.phone_number],
    [text('groups'), person.groups?.join(', ') || undefined],
    [text('subject'), person.sub],
  ]
  const list = rows.map(([term, value]) => `<dt>${term}</dt><dd><bdi>${escape(value ?? '–')}</bdi></dd>`).join('')
  return page(
    language,
    `<h2>${text('hello')} <bdi>${escape(person.name ?? person.sub)}</bdi></h2><dl>${list}</dl>
    <form method="post" action="/logout"><button>${text('signOut')}</button></form>`,
  )
}

export function failedPage(language: Language, reason: string): string {
  return page(
    language,
    `<h2>${TEXTS.failed[language]}</h2><p>${escape(reason)}</p><p><a class="button" href="/">${TEXTS.back[language]}</a></p>`,
  )
}

function page(language: Language, content: string): string {
  const title = TEXTS.title[language]
  return `<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}">
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif }
  main { max-width: 36rem; margin: 10vh auto; padding: 0 1.25rem }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.25rem } dt { opacity: .65 }
  dd { margin: 0; overflow-wrap: anywhere }
  .button, button { display: inline-block; padding: .5rem 1.25rem; border: 0; border-radius: .5rem; font: inherit;
    background: #1f6feb; color: #fff; text-decoration: none; cursor: pointer }
</style>
<main><h1>${title}</h1>${content}</main>
</html>`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
