/**
 * The pages of signing in and out: a view goes in, a document with its headers comes out. Pure, and without rules; what may
 * be done is in the view. Everything works without JavaScript except WeCom's panel, which has a plain link beside it.
 */
import { unreachable } from '../../errors.ts'
import { html, nameHtml, nameText, type Html, type Page, type Piece } from '../../html.ts'
import { alert, button, drawings, field, formOf, inShell, linkButton, longName, type ShellParts } from './shell.ts'
import { texts, type Texts } from './texts.ts'
import type { NewPasswordProblem, OtherView, PasswordForm, PasswordProblem } from './views.ts'
import type { RenderView, SignInView, ViewContext, Way } from './views.ts'

/** Where the scripts of these pages are served. */
export interface ScriptPaths {
  /** WeCom's own. */
  readonly sdk: string
  readonly signIn: string
  readonly popUp: string
  readonly signOut: string
}

export function createPages(scripts: ScriptPaths): RenderView {
  return (view, context) => draw(view, { ...context, text: texts[context.language], scripts })
}

/** WeCom's SDK knows this host only; with another one there is the plain link alone. */
const PANEL_ORIGIN = 'https://login.work.weixin.qq.com'

interface Scene extends ViewContext {
  readonly text: Texts
  readonly scripts: ScriptPaths
}

function draw(view: SignInView | OtherView, scene: Scene): Page {
  switch (view.kind) {
    case 'sign-in':
      return drawSignIn(view, scene)
    case 'number-shown':
      return drawNumberShown(view, scene)
    case 'number-asked':
      return drawNumberAsked(view, scene)
    case 'number-right':
      return drawNotice(scene, {
        title: scene.text.numberRightTitle,
        lead: scene.text.numberRight,
        sign: drawings.good,
      })
    case 'bind':
      return drawBinding(view, scene)
    case 'waiting':
      return drawNotice(scene, {
        title: scene.text.waitingTitle,
        lead: scene.text.waiting,
        sign: drawings.wait,
        refresh: { seconds: view.refreshSeconds, href: null },
      })
    case 'going-on':
      return drawNotice(scene, {
        title: scene.text.goingOnTitle,
        sign: drawings.wait,
        content: linkButton(view.href, scene.text.goOn),
        refresh: { seconds: 0, href: view.href },
      })
    case 'refused':
      return drawRefusal(view, scene)
    case 'expired':
      return drawNotice(scene, { title: scene.text.expiredTitle, lead: scene.text.expired, sign: drawings.stop })
    case 'change-password':
      return drawPasswordChange(view, scene)
    case 'confirm-sign-out':
      return drawSignOut(view, scene)
    case 'signed-out':
      return drawNotice(scene, {
        title: scene.text.signedOutTitle,
        lead: scene.text.signedOut,
        sign: drawings.good,
        content: view.againHref !== null && linkButton(view.againHref, scene.text.signInAgain, 'other'),
      })
    case 'authorised':
      return drawNotice(scene, {
        title: scene.text.authorisedTitle,
        lead: scene.text.authorised,
        sign: drawings.good,
      })
    case 'error':
      return drawNotice(scene, {
        title: view.title[scene.language],
        lead: view.remedy[scene.language],
        sign: drawings.stop,
        content: drawReference(view.requestId, scene.text),
      })
    case 'application-error':
      return drawApplicationError(view, scene)
    case 'pop-up-done':
      return drawPopUp(view, scene)
    default:
      return unreachable(view)
  }
}

type Parts = Omit<ShellParts, 'heading' | 'content' | 'lead'> & { heading?: Piece; content?: Piece; lead?: Piece }

function drawNotice(scene: Scene, { title, heading = title, content = null, lead, ...parts }: Parts): Page {
  return inShell(scene, {
    ...parts,
    title,
    heading,
    lead: lead == null || lead === false ? null : html`<p>${lead}</p>`,
    content: html`${content} ${drawBack(scene)}`,
  })
}

// ---- Signing in ------------------------------------------------------------------------------------------------------

function drawSignIn({ connections, way, password, statusHref }: SignInView & { kind: 'sign-in' }, scene: Scene): Page {
  const { text, application, scripts } = scene
  const others = way === null ? connections : connections.filter(({ isChosen }) => !isChosen)
  const isPanel = way?.kind === 'panel' && hasPanel(way)
  const chosen = way === null ? undefined : connections.find(({ isChosen }) => isChosen)
  const sections = [
    way !== null && html`<div id="way" data-status="${statusHref}">${drawWay(way, text)}</div>`,
    others.length > 0 && drawConnections(others, way === null, text),
    password !== null && drawPassword(password, connections.length > 0, scene),
  ].filter((section) => section !== false)
  return drawNotice(scene, {
    title: application === null ? text.signIn : text.signInToTitle(nameText(application.name)),
    heading: application === null ? text.signIn : text.signInTo(nameHtml(application.name)),
    // An application may have chosen, and whoever works for several companies has to see which one is asked.
    lead: chosen === undefined ? null : text.chosen(longName(chosen.company ?? chosen.displayName)),
    content:
      sections.length === 0
        ? html`<p class="note">${text.noWay}</p>`
        : sections.map((section) => html`<section class="part">${section}</section>`),
    scripts: isPanel ? [scripts.sdk, scripts.signIn] : way === null ? [] : [scripts.signIn],
    allows: {
      frames: isPanel ? [PANEL_ORIGIN] : [],
      connections: way === null ? [] : ["'self'"],
      images: others.some(({ iconHref }) => iconHref !== null) ? ["'self'"] : [],
    },
  })
}

type Connections = (SignInView & { kind: 'sign-in' })['connections']

/** WeCom comes first, so its first button is the one that stands out. */
function drawConnections(connections: Connections, areFirst: boolean, text: Texts): Html {
  const drawDoor = ({ displayName, company, iconHref, href }: Connections[number], isFirst: boolean) => {
    const look = isFirst ? 'main' : 'other'
    // There may be many, and the page is to be small: the picture of their connection is the same for all of them.
    if (company !== null) return html`<li>${linkButton(href, text.connectionButton(nameHtml(company)), look)}</li>`
    return html`<li>${linkButton(href, connectionLabel(displayName, text), look, drawIcon(iconHref))}</li>`
  }
  const heading = (name: string) => (areFirst ? html`<h2>${nameHtml(name)}</h2>` : html`<h3>${nameHtml(name)}</h3>`)
  const groups = groupsOf(connections).map(
    (doors, place) =>
      html`${doors[0]!.company !== null && heading(doors[0]!.displayName)}
        <ul class="stack">
          ${doors.map((door, index) => drawDoor(door, areFirst && place === 0 && index === 0))}
        </ul>`,
  )
  return html`${!areFirst && html`<h2>${text.otherWays}</h2>`} ${groups}`
}

/** First the connections without a choice, then the companies of each of the others, below its name. */
function groupsOf(connections: Connections): Connections[number][][] {
  const alone = connections.filter(({ company }) => company === null)
  const names = new Set(connections.flatMap(({ company, displayName }) => (company === null ? [] : [displayName])))
  const groups = [...names].map((name) =>
    connections.filter(({ company, displayName }) => company !== null && displayName === name),
  )
  return alone.length === 0 ? groups : [alone, ...groups]
}

/** The label says what it is; the picture is for those who see. */
function drawIcon(iconHref: string | null): Html {
  return iconHref === null ? drawings.chat : html`<img src="${iconHref}" alt="" width="22" height="22" />`
}

/** People look for the word WeCom, which a company's own name for a connection may lack. */
function connectionLabel(displayName: string, text: Texts): Html {
  const saysWecom = /企业微信|企微|wecom|wxwork/i.test(displayName)
  return saysWecom ? text.connectionButton(nameHtml(displayName)) : text.wecomButton(nameHtml(displayName))
}

/** Its script asks at `data-status` whether something has happened in another browser. */
function drawWay(way: Way, text: Texts): Html {
  switch (way.kind) {
    case 'panel':
      return drawPanel(way, text)
    case 'open-in-wecom':
      return html`<h2>${text.openInWecomTitle}</h2>
        <p>${text.openInWecomHint}</p>
        <ol class="steps">
          ${text.openInWecomSteps.map((step) => html`<li>${step}</li>`)}
        </ol>
        <div class="field">
          <label for="link">${text.link}</label>
          <input id="link" type="text" readonly value="${way.link}" />
        </div>
        <button id="copy" type="button" class="button main" hidden data-copied="${text.copied}">${text.copy}</button>
        <p id="copy-status" class="soft" role="status"></p>`
    case 'open-app':
      return html`${linkButton(way.href, text.openApp, 'main', drawings.chat)}
        <p class="soft below">${text.openAppHint}</p>`
    default:
      return unreachable(way)
  }
}

function hasPanel({ loginUrl }: Way & { kind: 'panel' }): boolean {
  return URL.parse(loginUrl)?.origin === PANEL_ORIGIN
}

/** The panel is hidden until its script runs; the link is there all the time. */
function drawPanel(way: Way & { kind: 'panel' }, text: Texts): Html {
  const { appid, agentid, login_type: loginType, redirect_uri: redirectUri, state, lang } = way.parameters
  const { address, app, origin, other } = text.panelProblems
  if (!hasPanel(way)) return linkButton(way.linkHref, text.openWecomPage, 'main', drawings.chat)
  return html`<p id="way-problem" class="note" role="status" hidden></p>
    <div id="panel-area" hidden>
      <p class="soft center">${text.scan}</p>
      <div class="panel">
        <div id="panel-wait" class="wait">
          <span class="spin"></span>
          <span>${text.panelLoading}</span>
        </div>
        <div
          id="panel"
          data-appid="${appid}"
          ${agentid !== null && html`data-agentid="${agentid}"`}
          data-login-type="${loginType}"
          data-redirect-uri="${redirectUri}"
          data-state="${state}"
          data-lang="${lang}"
          data-late="${text.panelBlocked}"
          data-problem-address="${address}"
          data-problem-app="${app}"
          data-problem-origin="${origin}"
          data-problem-other="${other}"
        ></div>
      </div>
    </div>
    ${linkButton(way.linkHref, text.openWecomPage, 'main', drawings.chat)}`
}

function drawPassword(password: PasswordForm, isSecond: boolean, { text }: Scene): Html {
  const form = formOf(
    password,
    html`${drawProblem(password.problem, text)} ${drawCredentials(password, 'sign-in', text)}
    ${button(text.signIn, isSecond ? 'other' : 'main')}`,
  )
  if (!isSecond) return form
  return html`<details${password.problem !== null && html` open`}>
    <summary>${text.withPassword}</summary>
    ${form}
  </details>`
}

function drawCredentials({ username, problem }: PasswordForm, form: string, text: Texts): Html {
  const problemId = problem?.kind === 'wrong' ? 'problem' : undefined
  return html`${field({
    form,
    name: 'username',
    label: text.username,
    type: 'text',
    autocomplete: 'username',
    value: username,
    problemId,
  })}
  ${field({ form, name: 'password', label: text.password, type: 'password', autocomplete: 'current-password', problemId })}`
}

function drawProblem(problem: PasswordProblem | null, text: Texts): Html | null {
  if (problem === null) return null
  switch (problem.kind) {
    case 'wrong':
      return alert('problem', text.passwordWrong)
    case 'throttled':
      return alert('problem', text.passwordThrottled(problem.retryAfterSeconds))
    case 'busy':
      return alert('problem', text.passwordBusy)
    default:
      return unreachable(problem)
  }
}

// ---- Two browsers ----------------------------------------------------------------------------------------------------

function drawNumberShown({ number, refreshSeconds }: SignInView & { kind: 'number-shown' }, scene: Scene): Page {
  const { text } = scene
  return drawNotice(scene, {
    title: text.numberTitle,
    sign: drawings.lock,
    lead: text.numberHint,
    content: html`<p class="number" role="img" aria-label="${text.numberLabel(number)}">${number}</p>
      <p class="soft center">${text.numberWaiting}</p>`,
    refresh: { seconds: refreshSeconds, href: null },
  })
}

function drawNumberAsked(view: SignInView & { kind: 'number-asked' }, scene: Scene): Page {
  const { form, applicationName, isWrong } = view
  const { text } = scene
  return drawNotice(scene, {
    title: text.numberAskTitle,
    sign: drawings.lock,
    lead: html`${applicationName !== null && text.numberAskFor(longName(applicationName))}${text.numberAskHint}`,
    content: html`<p class="note">${text.numberAskWarning}</p>
      ${formOf(
        form,
        html`${isWrong && alert('problem', text.numberWrong)}
          <div class="field">
            <label for="number">${text.numberField}</label>
            <input
              id="number"
              class="digits"
              name="number"
              type="text"
              inputmode="numeric"
              pattern="[0-9]{2}"
              maxlength="2"
              autocomplete="off"
              required
              autofocus
              ${isWrong && html`aria-invalid="true" aria-describedby="problem"`}
            />
          </div>
          ${button(text.goOn)}`,
      )}`,
  })
}

// ---- Binding ---------------------------------------------------------------------------------------------------------

function drawBinding(view: SignInView & { kind: 'bind' }, scene: Scene): Page {
  const { memberName, connectionName, form, create } = view
  const { text } = scene
  return drawNotice(scene, {
    title: text.bindTitle,
    lead: text.bindAs(longName(memberName), nameHtml(connectionName)),
    content: html`<section class="part">
        <h2>${text.bindHave}</h2>
        <p class="soft">${text.bindHint}</p>
        ${formOf(
          form,
          html`${drawProblem(form.problem, text)} ${drawCredentials(form, 'bind', text)} ${button(text.bind)}`,
        )}
      </section>
      ${
        create !== null &&
        html`<section class="part">
          <h2>${text.createTitle}</h2>
          <p class="soft">${text.createHint}</p>
          ${formOf(create, button(text.create, 'other'))}
        </section>`
      }`,
  })
}

// ---- Ends ------------------------------------------------------------------------------------------------------------

function drawRefusal({ reason, referenceId, againHref }: SignInView & { kind: 'refused' }, scene: Scene): Page {
  const { title, detail } = scene.text.refusals[reason]
  return drawNotice(scene, {
    title,
    sign: drawings.stop,
    lead: detail,
    content: html`${drawReference(referenceId, scene.text)}
    ${againHref !== null && html`<div class="actions">${linkButton(againHref, scene.text.again)}</div>`}`,
  })
}

function drawReference(reference: string | null, text: Texts): Html | null {
  if (reference === null || reference === '') return null
  return html`<dl class="reference">
      <dt>${text.reference}</dt>
      <dd>${reference}</dd>
    </dl>
    <p class="soft">${text.askAdministrator}</p>`
}

function drawApplicationError(view: OtherView & { kind: 'application-error' }, scene: Scene): Page {
  const { text } = scene
  const { signOutHref } = view
  return drawNotice(scene, {
    title: signOutHref === null ? text.applicationErrorTitle : text.signOutErrorTitle,
    sign: drawings.stop,
    lead: signOutHref === null ? text.applicationError : text.signOutError,
    content: html`<p class="detail">
        <code>${nameHtml(view.error)}</code>
        ${view.description !== null && html`<br />${nameHtml(view.description)}`}
      </p>
      ${drawReference(view.requestId, text)}
      ${signOutHref !== null && html`<div class="actions">${linkButton(signOutHref, text.toAccount, 'other')}</div>`}`,
  })
}

function drawSignOut(view: OtherView & { kind: 'confirm-sign-out' }, scene: Scene): Page {
  const { action, token, displayName, isAsked } = view
  const { text, application, scripts } = scene
  return drawNotice(scene, {
    title: isAsked ? text.signingOutTitle : text.signOutTitle,
    ...(isAsked ? { sign: drawings.wait, scripts: [scripts.signOut] } : {}),
    redirects: true,
    lead: html`${displayName !== null && text.signOutAs(longName(displayName))}
    ${!isAsked && application !== null && text.signOutFor(longName(application.name))}`,
    content: html`<p class="soft center">${text.signOutHint}</p>
      <form class="stack" method="post" action="${action}">
        <input type="hidden" name="${token.name}" value="${token.value}" />
        <button class="button main" type="submit" name="logout" value="yes">${text.signOut}</button>
        ${button(text.stay, 'other')}
      </form>`,
  })
}

function drawPasswordChange(view: OtherView & { kind: 'change-password' }, scene: Scene): Page {
  const { form, username, isForced, asksCurrent, minimumLength, problem } = view
  const { text } = scene
  const secret = (name: string, label: string, autocomplete: string, hint?: string): Html =>
    field({ form: 'change', name, label, type: 'password', autocomplete, ...(hint === undefined ? {} : { hint }) })
  return drawNotice(scene, {
    title: text.changeTitle,
    sign: drawings.lock,
    lead: isForced ? text.changeForced : text.changeWished,
    content: formOf(
      form,
      html`${drawNewPasswordProblem(problem, scene)}
        <input type="text" name="username" value="${username}" autocomplete="username" readonly hidden />
        ${asksCurrent && secret('current', text.currentPassword, 'current-password')}
        ${secret('password', text.newPassword, 'new-password', text.passwordLength(minimumLength))}
        ${secret('repeated', text.repeatPassword, 'new-password')} ${button(text.save)}`,
    ),
  })
}

function drawNewPasswordProblem(problem: NewPasswordProblem | null, { text, language }: Scene): Html | null {
  if (problem === null || problem.kind === 'busy' || problem.kind === 'throttled') return drawProblem(problem, text)
  if (problem.kind === 'refused') return alert('problem', problem.text[language])
  return alert('problem', text.newPasswordProblems[problem.kind])
}

/** Without JavaScript the window stays, and says what has happened. */
function drawPopUp({ origin, outcome }: OtherView & { kind: 'pop-up-done' }, scene: Scene): Page {
  const { text, scripts } = scene
  const isIn = outcome === 'signed-in'
  return drawNotice(scene, {
    title: text.popUpTitle,
    sign: isIn ? drawings.good : drawings.stop,
    lead: isIn ? text.popUpSignedIn : text.popUpRefused,
    content: html`<div id="pop-up" hidden data-origin="${origin}" data-outcome="${outcome}"></div>`,
    scripts: [scripts.popUp],
  })
}

/** Below everything else: the way out. */
function drawBack({ cancel, application, text }: Scene): Html | null {
  if (cancel === null) return null
  const label = application === null ? text.back : text.backTo(nameHtml(application.name))
  return html`<div class="back">
    ${formOf(cancel, html`<button class="plain" type="submit"><span class="long">${label}</span></button>`)}
  </div>`
}
