/**
 * The look of the pages, as one style sheet inside each of them: nothing else is fetched before they are painted. Light and
 * dark, from 320 px on; no font of our own, because a Chinese one alone weighs more than a hundred pages.
 */

export const style = `
:root{color-scheme:light dark;--back:#eef1f6;--card:#fff;--text:#171d28;--soft:#5a6577;--line:#d8dee8;--field:#fff;--edge:#8591a5;
--main:#1f5fd0;--over:#184fb0;--on:#fff;--tint:#edf3ff;--bad:#b3261e;--bad-back:#fdeeed;--note:#7a5200;--note-back:#fff6e0;
--shade:0 1px 2px #1018280f,0 12px 32px -8px #10182824}
@media(prefers-color-scheme:dark){:root{--back:#10141b;--card:#1a202a;--text:#eaeef5;--soft:#a4afc0;--line:#323b49;--field:#121720;
--edge:#6d7a8f;--main:#7fb0ff;--over:#a3c6ff;--on:#0b1526;--tint:#1d2a40;--bad:#ffb4ab;--bad-back:#3a1c1a;--note:#f6cf7f;
--note-back:#332813;--shade:0 1px 2px #0006,0 12px 32px -8px #0009}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;background:var(--back);color:var(--text);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC",sans-serif;
overflow-wrap:anywhere;text-autospace:normal}
main{width:100%;max-width:27rem;margin:auto auto 0;padding:2rem 1rem .75rem}
body:after{content:"";flex:none;margin-bottom:auto}
.card{background:var(--card);border:1px solid var(--line);border-radius:16px;padding:2rem;box-shadow:var(--shade)}
header{text-align:center;margin-bottom:1.5rem}
.logo{display:block;width:56px;height:56px;margin:0 auto 1rem;border-radius:14px;object-fit:contain}
.tile{display:grid;place-items:center;background:var(--tint);color:var(--main);font-size:1.5rem;font-weight:650;line-height:1;overflow:hidden}
.good{background:#e5f6ec;color:#14713a}.stop{background:var(--bad-back);color:var(--bad)}
@media(prefers-color-scheme:dark){.good{background:#153323;color:#86dba6}}
h1{font-size:1.375rem;line-height:1.35;font-weight:650;margin:0;letter-spacing:-.01em;text-wrap:balance;
display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:4;overflow:hidden}
h2,h3{font-size:1rem;line-height:1.4;font-weight:600;margin:0 0 .75rem}h3{font-size:.9375rem}ul+h2,ul+h3,ul+ul{margin-top:.75rem}
p{margin:0 0 1rem}p:last-child{margin-bottom:0}
header p{text-wrap:balance;margin:.5rem 0 0;color:var(--soft);font-size:.9375rem}
.soft{color:var(--soft);font-size:.875rem}
.center{text-align:center;text-wrap:balance}.below{margin-top:.75rem}
summary{cursor:pointer;padding:.625rem 0;min-height:44px;font-weight:600}details[open] summary{margin-bottom:.75rem}
.detail{font-size:.875rem;padding:.75rem .875rem;border:1px solid var(--line);border-radius:10px}
bdi{unicode-bidi:isolate;word-break:keep-all}
.long{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden}
.mark{font:600 .75em/1 ui-monospace,monospace;color:var(--bad);background:var(--bad-back);border-radius:4px;padding:.15em .3em}
a{color:var(--main);text-underline-offset:.2em}
.button{display:flex;align-items:center;justify-content:center;gap:.625rem;width:100%;min-height:48px;padding:.625rem 1rem;
border:1px solid var(--edge);border-radius:10px;background:var(--card);color:var(--text);font:inherit;font-weight:600;
line-height:1.35;text-align:center;text-decoration:none;cursor:pointer;transition:background-color .12s,border-color .12s}
.button:hover{background:var(--tint);border-color:var(--main)}
.button.main{background:var(--main);border-color:var(--main);color:var(--on)}
.button.main:hover{background:var(--over);border-color:var(--over)}
.button svg,.button img{flex:none;width:22px;height:22px}.button img{border-radius:5px;object-fit:contain}
.button span{min-width:0}
.stack{display:grid;gap:.75rem;margin:0;padding:0;list-style:none}
.stack>*{min-width:0}
form+form,ul+form,.stack+.stack,li>form{margin-top:.75rem}
:focus-visible{outline:3px solid var(--main);outline-offset:2px;border-radius:10px}
label{display:block;font-size:.875rem;font-weight:600;margin-bottom:.375rem}
.field{margin-bottom:1rem}
.field .soft{margin:.375rem 0 0}
input:not([type=hidden]){width:100%;min-height:48px;padding:.5rem .875rem;border:1px solid var(--edge);border-radius:10px;
background:var(--field);color:var(--text);font:inherit}
input:focus-visible{outline-offset:-1px;border-color:var(--main)}
input[aria-invalid]{border-color:var(--bad)}
.or{display:flex;align-items:center;gap:.75rem;margin:1.5rem 0;color:var(--soft);font-size:.8125rem}
.or:before,.or:after{content:"";flex:1;border-top:1px solid var(--line)}
.alert,.note{border-radius:10px;padding:.75rem .875rem;font-size:.9375rem;margin:0 0 1rem}
.alert{background:var(--bad-back);color:var(--bad)}
.note{background:var(--note-back);color:var(--note)}
.panel{--soft:#5a6577;--line:#d8dee8;--main:#1f5fd0;background:#fff;position:relative;min-height:396px;margin-bottom:1rem;display:grid;place-items:center;overflow:hidden;border-radius:10px}
.panel iframe{max-width:100%;margin:auto;color-scheme:light}
.panel .wait{position:absolute;inset:0;display:grid;place-content:center;justify-items:center;gap:1rem;text-align:center;color:var(--soft)}
#panel-area:not([hidden])~.button.main{background:var(--card);border-color:var(--edge);color:var(--text)}
#panel-area:not([hidden])~.button.main:hover{background:var(--tint);border-color:var(--main)}
.panel[hidden],[hidden]{display:none!important}
.spin{width:28px;height:28px;border:3px solid var(--line);border-top-color:var(--main);border-radius:50%;margin:0 auto;
animation:spin 1s linear infinite}
@keyframes spin{to{transform:rotate(1turn)}}
@media(prefers-reduced-motion:reduce){.spin{animation-duration:4s}.button{transition:none}}
.number{font:700 4.5rem/1 ui-monospace,"SF Mono",Consolas,monospace;letter-spacing:.12em;text-indent:.12em;text-align:center;
margin:1.5rem 0;padding:1.5rem 0;border-radius:14px;background:var(--tint);color:var(--main)}
.digits{font:700 2rem/1 ui-monospace,"SF Mono",Consolas,monospace!important;letter-spacing:.3em;text-indent:.3em;text-align:center}
.reference{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.25rem 1rem;padding:.75rem .875rem;margin:1.25rem 0 .5rem;
border:1px solid var(--line);border-radius:10px;font-size:.875rem}
.reference dt{color:var(--soft)}.reference dd{margin:0;font:600 .9375rem/1.5 ui-monospace,"SF Mono",Consolas,monospace;user-select:all}
ol.steps{margin:0 0 1.25rem;padding-left:1.5rem}ol.steps li{margin:.25rem 0}
.part+.part{margin-top:1.5rem;padding-top:1.5rem;border-top:1px solid var(--line)}
.actions{margin-top:1.5rem}
.back{margin-top:1.25rem;text-align:center}
.plain{border:0;background:none;padding:.5rem .75rem;font:inherit;font-size:.9375rem;color:var(--main);cursor:pointer;min-height:44px;
max-width:100%;text-decoration:underline;text-underline-offset:.2em}
footer{padding:0 1rem 1.5rem;text-align:center;font-size:.875rem;color:var(--soft)}
footer ul{display:flex;justify-content:center;gap:.25rem;list-style:none;margin:0;padding:0}
footer a,footer [aria-current]{display:inline-block;padding:.625rem .75rem;min-height:44px}
footer [aria-current]{color:var(--text);font-weight:600}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media(max-width:479px){main{padding:1rem .5rem .5rem;margin:0 auto}.card{padding:1.5rem 1rem;border-radius:14px}
.panel.live{margin-inline:-1rem;border-radius:0}}
@media(forced-colors:active){.button,.card,.number{border:1px solid}}
`
