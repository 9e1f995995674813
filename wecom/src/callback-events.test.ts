/** What callbacks say is read in every form that WeCom uses, and refused in every form that it does not. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'

import * as fc from 'fast-check'

import { WecomError, createCallbackCrypto, readEnvelope, readEvent } from './index.ts'
import type { CallbackEvent } from './index.ts'

type Values = Record<string, string | number | undefined>

/** The top-level elements of a message, with text in CDATA as WeCom writes it. */
function xml(values: Values, further = ''): string {
  const elements = Object.entries(values).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [`<${name}>${typeof value === 'number' ? String(value) : `<![CDATA[${value}]]>`}</${name}>`],
  )
  return `<xml>${elements.join('\n')}${further}</xml>`
}

const corpForm = {
  ToUserName: 'ww0123456789abcdef',
  FromUserName: 'sys',
  CreateTime: 1403610513,
  MsgType: 'event',
  Event: 'change_contact',
}
const contact = {
  kind: 'contact',
  corpId: 'ww0123456789abcdef',
  suiteId: undefined,
  happenedAt: 1_403_610_513_000,
} as const

const command = { SuiteId: 'ww0000000000000001', TimeStamp: 1403610513 }
const suite = { kind: 'suite', suiteId: 'ww0000000000000001', happenedAt: 1_403_610_513_000 } as const

const extendedAttributes =
  '<ExtAttr><Item><Name><![CDATA[Hobby]]></Name><Type>0</Type><Text><Value><![CDATA[chess]]></Value></Text></Item>' +
  '<Item><Name>Page</Name><Type>1</Type><Web><Title>t</Title><Url>https://a.example/?a=1&amp;b=2</Url></Web></Item></ExtAttr>'

const known: [what: string, message: string, event: CallbackEvent][] = [
  [
    'a new member with all fields',
    xml(
      {
        ...corpForm,
        ChangeType: 'create_user',
        UserID: 'zhangsan',
        Name: '张三 <&>',
        Department: '1,2,3',
        MainDepartment: 1,
        IsLeaderInDept: '1,0,0',
        DirectLeader: 'lisi,wangwu',
        Mobile: '13800000000',
        Gender: 1,
        Status: 1,
        Avatar: 'http://wework.qpic.cn/bizmail/x/0',
      },
      extendedAttributes,
    ),
    { ...contact, type: 'create_user', userid: 'zhangsan', openUserid: undefined, departments: [1, 2, 3] },
  ],
  [
    'a new member in the reduced form',
    xml({ ...corpForm, ChangeType: 'create_user', UserID: 'zhangsan', Department: '7' }),
    { ...contact, type: 'create_user', userid: 'zhangsan', openUserid: undefined, departments: [7] },
  ],
  [
    'a member who was renamed',
    xml({ ...corpForm, ChangeType: 'update_user', UserID: 'zhangsan', NewUserID: 'San.Zhang@x' }),
    {
      ...contact,
      type: 'update_user',
      userid: 'zhangsan',
      newUserid: 'San.Zhang@x',
      openUserid: undefined,
      departments: undefined,
    },
  ],
  [
    'a member whose name alone changed',
    xml({ ...corpForm, ChangeType: 'update_user', UserID: 'zhangsan', Name: '三', NewUserID: '', Department: '' }),
    {
      ...contact,
      type: 'update_user',
      userid: 'zhangsan',
      newUserid: undefined,
      openUserid: undefined,
      departments: undefined,
    },
  ],
  [
    'a member whose departments cannot be read',
    xml({ ...corpForm, ChangeType: 'update_user', UserID: 'zhangsan', Department: '1,two,3' }),
    {
      ...contact,
      type: 'update_user',
      userid: 'zhangsan',
      newUserid: undefined,
      openUserid: undefined,
      departments: undefined,
    },
  ],
  [
    'a member who left',
    xml({ ...corpForm, ChangeType: 'delete_user', UserID: 'zhangsan' }),
    { ...contact, type: 'delete_user', userid: 'zhangsan', openUserid: undefined },
  ],
  [
    'a new department',
    xml({ ...corpForm, ChangeType: 'create_party', Id: 2, Name: '研发', ParentId: '1', Order: 1 }),
    { ...contact, type: 'create_party', departmentId: 2 },
  ],
  [
    'a department that changed',
    xml({ ...corpForm, ChangeType: 'update_party', Id: '2147483647' }),
    { ...contact, type: 'update_party', departmentId: 2_147_483_647 },
  ],
  [
    'a department that is gone',
    xml({ ...corpForm, ChangeType: 'delete_party', Id: 2 }),
    { ...contact, type: 'delete_party', departmentId: 2 },
  ],
  [
    'a tag',
    xml({ ...corpForm, ChangeType: 'update_tag', TagId: 1, AddUserItems: 'a,b', DelPartyItems: '1,2' }),
    { ...contact, type: 'update_tag', tagId: 1 },
  ],
  [
    'a member of a company that authorised a suite',
    xml({
      ...command,
      InfoType: 'change_contact',
      AuthCorpId: 'wpk0123',
      ChangeType: 'update_user',
      UserID: 'woAJ2GCAAAXtWyujaWJHDDGi0mACH71w',
      OpenUserID: 'woOpen',
    }),
    {
      ...contact,
      corpId: 'wpk0123',
      suiteId: 'ww0000000000000001',
      type: 'update_user',
      userid: 'woAJ2GCAAAXtWyujaWJHDDGi0mACH71w',
      newUserid: undefined,
      openUserid: 'woOpen',
      departments: undefined,
    },
  ],
  [
    'a change of the address book that nobody knows yet',
    xml({ ...corpForm, ChangeType: 'create_galaxy', Id: 1 }),
    { ...contact, kind: 'other', type: 'create_galaxy' },
  ],
  [
    'a ticket',
    xml({ ...command, InfoType: 'suite_ticket', SuiteTicket: 'asdfasfdasdf+/=' }),
    { ...suite, type: 'suite_ticket', ticket: 'asdfasfdasdf+/=' },
  ],
  [
    'an authorisation',
    xml({ ...command, InfoType: 'create_auth', AuthCode: 'AUTHCODE', State: '123', ExtraInfo: '' }),
    { ...suite, type: 'create_auth', authCode: 'AUTHCODE', state: '123' },
  ],
  [
    'a changed authorisation',
    xml({ ...command, InfoType: 'change_auth', AuthCorpId: 'wpk0123' }),
    { ...suite, type: 'change_auth', corpId: 'wpk0123', state: undefined },
  ],
  [
    'a cancelled authorisation',
    xml({ ...command, InfoType: 'cancel_auth', AuthCorpId: 'wpk0123' }),
    { ...suite, type: 'cancel_auth', corpId: 'wpk0123', state: undefined },
  ],
  [
    'a secret that was reset',
    xml({ ...command, InfoType: 'reset_permanent_code', AuthCode: 'AUTHCODE' }),
    { ...suite, type: 'reset_permanent_code', authCode: 'AUTHCODE' },
  ],
  [
    'a command that nobody knows yet',
    xml({ ...command, InfoType: 'share_agent_change', AuthCorpId: 'wpk0123', AppId: 1 }),
    { ...suite, kind: 'other', type: 'share_agent_change', corpId: 'wpk0123' },
  ],
  [
    'another event',
    xml({ ...corpForm, Event: 'subscribe', FromUserName: 'zhangsan', AgentID: 1 }),
    { ...contact, kind: 'other', type: 'subscribe' },
  ],
  [
    'a result of a batch, which has elements within elements',
    xml({ ...corpForm, Event: 'batch_job_result' }, '<BatchJob><JobId>S0</JobId><ErrCode>0</ErrCode></BatchJob>'),
    { ...contact, kind: 'other', type: 'batch_job_result' },
  ],
  [
    'a message of a person',
    xml({ ...corpForm, Event: undefined, MsgType: 'text', Content: 'hello', MsgId: '4561255354251345929' }),
    { ...contact, kind: 'other', type: 'text' },
  ],
  [
    'an event without a readable time',
    xml({ ...corpForm, CreateTime: 'now', ChangeType: 'delete_party', Id: 2 }),
    { ...contact, happenedAt: undefined, type: 'delete_party', departmentId: 2 },
  ],
]

for (const [what, message, event] of known) {
  test(`${what} is read`, () => {
    assert.deepEqual(readEvent(message), event)
  })
}

test('an event says the same in JSON, whatever the case of its keys', () => {
  const values = {
    ...corpForm,
    ChangeType: 'create_user',
    UserID: 'zhangsan',
    Department: '1,2',
    ExtAttr: { Item: [{}] },
  }
  const lowerCase = Object.fromEntries(Object.entries(values).map(([key, value]) => [key.toLowerCase(), value]))

  const expected: CallbackEvent = {
    ...contact,
    type: 'create_user',
    userid: 'zhangsan',
    openUserid: undefined,
    departments: [1, 2],
  }
  assert.deepEqual(readEvent(JSON.stringify(values)), expected)
  assert.deepEqual(readEvent(JSON.stringify(lowerCase)), expected)
})

const harmless: [what: string, message: string][] = [
  ['a declaration', `<?xml version="1.0" encoding="UTF-8"?>\n${party('<Id>2</Id>')}`],
  [
    'another spelling of the declaration',
    `<?xml version='1.0' encoding='utf-8' standalone='yes' ?>${party('<Id>2</Id>')}`,
  ],
  ['a byte order mark', `\ufeff${party('<Id>2</Id>')}`],
  ['white space around everything', `\n ${party(' <Id> 2\n</Id>\t')} \r\n`],
  ['white space around CDATA', party('<Id>\n<![CDATA[2]]>\n</Id>')],
  ['a value of several CDATA sections', party('<Id><![CDATA[]]><![CDATA[2]]></Id>')],
  ['a numeric reference', party('<Id>&#50;</Id>')],
  ['a hexadecimal reference', party('<Id>&#x32;</Id>')],
  ['the five entities', party('<Id>2</Id><Name>&amp;&lt;&gt;&quot;&apos;</Name>')],
  ['markup in CDATA', party('<Id>2</Id><Name><![CDATA[</Name><Id>3</Id><!-- &x; <?php ]] > ]]></Name>')],
  ['an empty element', party('<Id>2</Id><Name/><Order></Order><Extra />')],
  ['white space in tags', party('<Id >2</Id\n>')],
  ['emoji', party('<Id>2</Id><Name>😀&#128512;</Name>')],
  ['a sign that is greater', party('<Id>2</Id><Name>a > b</Name>')],
  ['as many levels as an approval', party(`<Id>2</Id>${'<a>'.repeat(7)}1${'</a>'.repeat(7)}`)],
  ['lists within lists', party('<Id>2</Id><A><B><C>1</C><C>2</C></B><B/></A>')],
]

for (const [what, message] of harmless) {
  test(`${what} changes nothing about an event`, () => {
    assert.deepEqual(readEvent(message), { ...contact, type: 'create_party', departmentId: 2 })
  })
}

function party(elements: string): string {
  return xml({ ...corpForm, ChangeType: 'create_party' }, elements)
}

/** With the value that an attack wants to be read as the userid. */
function leaving(userid: string, further = ''): string {
  return xml({ ...corpForm, ChangeType: 'delete_user' }, `<UserID>${userid}</UserID>${further}`)
}

const dtd = (declaration: string) => `<!DOCTYPE xml [${declaration}]>`
const victim = '<![CDATA[victim]]>'

const hostile: [what: string, message: string][] = [
  // Entities and document types
  ['a file as an entity', `${dtd('<!ENTITY x SYSTEM "file:///etc/passwd">')}${leaving('&x;')}`],
  ['an address as an entity', `${dtd('<!ENTITY x SYSTEM "http://127.0.0.1/x">')}${leaving('&x;')}`],
  ['a public entity', `${dtd('<!ENTITY x PUBLIC "-//x" "http://127.0.0.1/x">')}${leaving('&x;')}`],
  ['a parameter entity', `${dtd('<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;')}${leaving(victim)}`],
  ['entities that multiply', `${dtd(billionLaughs())}${leaving('&l9;')}`],
  ['a long entity many times', `${dtd(`<!ENTITY x "${'x'.repeat(9000)}">`)}${leaving('&x;'.repeat(500))}`],
  ['an entity of itself', `${dtd('<!ENTITY x "&x;">')}${leaving('&x;')}`],
  ['an entity that is defined again', `${dtd('<!ENTITY lt "victim">')}${leaving('&lt;')}`],
  ['a document type alone', `<!DOCTYPE xml>${leaving(victim)}`],
  ['an external document type', `<!DOCTYPE xml SYSTEM "http://127.0.0.1/x.dtd">${leaving(victim)}`],
  ['a document type after the declaration', `<?xml version="1.0"?>\n<!DOCTYPE xml>${leaving(victim)}`],
  ['a document type in lower case', `<!doctype xml>${leaving(victim)}`],
  ['a document type inside', leaving(`<!DOCTYPE x>${victim}`)],
  ['an entity that is declared nowhere', leaving('&x;')],
  ['an entity of HTML', leaving('&nbsp;a')],
  ['an entity named as a property', leaving('&constructor;')],
  ['an ampersand alone', leaving('a&b')],
  ['an ampersand without its end', leaving('a&amp')],
  ['a reference to nothing', leaving('a&#0;')],
  ['a reference to a control character', leaving('a&#x1;')],
  ['a reference to half a character', leaving('a&#xD800;')],
  ['a reference beyond all characters', leaving('a&#x110000;')],
  ['a reference of many digits', leaving(`a&#${'0'.repeat(60)}65;`)],
  ['a reference without digits', leaving('a&#;')],
  ['a reference with letters', leaving('a&#6a;')],
  ['a flood of references', leaving('&#65;'.repeat(5000))],
  ['a flood of ampersands', leaving(victim, `<Name>${'&amp;'.repeat(5000)}</Name>`)],
  ['a flood of references outside of what is read', leaving(victim, `<Name>${'&#x41;'.repeat(5000)}</Name>`)],

  // What XML has besides elements
  ['a processing instruction', leaving(`<?php echo 1 ?>${victim}`)],
  ['a style sheet', `<?xml-stylesheet href="http://127.0.0.1/x.xsl"?>${leaving(victim)}`],
  ['a second declaration', `<?xml version="1.0"?><?xml version="1.0"?>${leaving(victim)}`],
  ['a declaration inside', leaving(`<?xml version="1.0"?>${victim}`)],
  ['a declaration of another version', `<?xml version="1.1"?>${leaving(victim)}`],
  ['a declaration of another encoding', `<?xml version="1.0" encoding="UTF-7"?>${leaving(victim)}`],
  ['a declaration that does not end', `<?xml version="1.0"${leaving(victim)}`],
  ['a comment', `<!-- a -->${leaving(victim)}`],
  ['a comment within a value', leaving('vic<!-- a -->tim')],
  ['a comment that does not end', leaving(`${victim}<!-- a`)],
  ['an inclusion', leaving('<xi:include href="file:///etc/passwd" parse="text"/>')],
  ['a namespace', leaving(victim).replace('<xml>', '<xml xmlns="http://127.0.0.1/x">')],
  ['a prefix', `<w:xml>${leaving(victim).slice(5, -6)}</w:xml>`],
  ['a prefix on a field', xml({ ...corpForm, ChangeType: 'delete_user', 'w:UserID': 'victim' })],
  ['an attribute', leaving(victim).replace('<UserID>', '<UserID a="b">')],
  ['an attribute that is code', leaving(victim).replace('<UserID>', '<UserID __proto__="b">')],
  ['an attribute on the root', leaving(victim).replace('<xml>', '<xml version="1">')],
  ['a quote that hides the end of a tag', leaving(victim).replace('<UserID>', '<UserID a=">">')],

  // CDATA
  ['a CDATA section that does not end', leaving('<![CDATA[victim')],
  ['a CDATA section within another', leaving('<![CDATA[a<![CDATA[b]]>]]>')],
  ['text before CDATA', leaving('vic<![CDATA[tim]]>')],
  ['text after CDATA', leaving('<![CDATA[vic]]>tim')],
  ['an entity beside CDATA', leaving('<![CDATA[vic]]>&amp;')],
  ['CDATA in lower case', leaving('<![cdata[victim]]>')],
  ['CDATA within a tag', leaving(victim).replace('<UserID>', '<<![CDATA[x]]>UserID>')],
  ['CDATA that splits a tag', leaving(victim).replace('<UserID>', '<User<![CDATA[x]]>ID>')],
  ['CDATA between elements', leaving(victim, '<![CDATA[x]]>')],
  ['CDATA around everything', `<![CDATA[${leaving(victim)}]]>`],
  ['the end of a CDATA section alone', leaving('victim]]>')],
  ['an end tag in CDATA as a userid', leaving('<![CDATA[</UserID><UserID>victim]]>')],
  ['thousands of CDATA sections', leaving('<![CDATA[]]>'.repeat(4000) + victim)],

  // Fields that are there twice, and fields where none may be
  ['a field twice', leaving(victim, '<UserID>other</UserID>')],
  ['a field twice in another case', leaving(victim, '<userid>other</userid>')],
  ['a field twice, first empty', leaving('', `<UserID>${victim}</UserID>`)],
  ['a field twice that nobody reads', leaving(victim, '<Name>a</Name><Name>b</Name>')],
  ['two types', leaving(victim, '<ChangeType>create_user</ChangeType>')],
  ['two roots', `${leaving(victim)}${leaving('other')}`],
  ['text after the root', `${leaving(victim)} x`],
  ['text before the root', `x ${leaving(victim)}`],
  ['text between the fields', leaving(victim, 'x')],
  ['a field within a field', leaving('<UserID>victim</UserID>')],
  ['a field within a list', xml({ ...corpForm, ChangeType: 'delete_user' }, '<Item><UserID>victim</UserID></Item>')],
  ['text beside the elements of a list', leaving(victim, '<ExtAttr>x<Item/></ExtAttr>')],
  [
    'the form of a suite and of a company at once',
    xml({ ...corpForm, ...command, InfoType: 'cancel_auth', AuthCorpId: 'a' }),
  ],
  ['another root', `<html>${leaving(victim).slice(5, -6)}</html>`],
  ['a root within a root', `<xml>${leaving(victim)}</xml>`],
  ['no form at all', xml({ UserID: 'victim' })],
  ['an empty root', '<xml/>'],

  // Broken, deep, long
  ['an end tag that is missing', leaving(victim).replace('</UserID>', '')],
  ['end tags in the wrong order', leaving(`<a><b></a></b>`)],
  ['an end tag too many', `${leaving(victim)}</xml>`],
  ['a tag that does not end', leaving(victim).replace('</xml>', '</xml')],
  ['a tag without a name', leaving(`<>${victim}`)],
  ['a tag that begins with a digit', leaving(victim, '<1a>x</1a>')],
  ['a tag that would change prototypes', leaving(victim, '<__proto__><userid>x</userid></__proto__>')],
  ['a tag named as a property', leaving(victim, '<constructor><prototype>x</prototype></constructor>')],
  ['a tag with a name of a thousand letters', leaving(victim, `<${'a'.repeat(1000)}/>`)],
  ['a level too many', leaving(victim, `${'<a>'.repeat(8)}1${'</a>'.repeat(8)}`)],
  ['ten thousand levels', leaving(victim, `${'<a>'.repeat(8000)}${'</a>'.repeat(8000)}`)],
  ['ten thousand levels that do not end', leaving('<a>'.repeat(10_000))],
  ['ten thousand elements', leaving(victim, `<List>${'<a/>'.repeat(10_000)}</List>`)],
  ['more than 64 kilobytes', leaving(victim, `<Name>${'x'.repeat(65_536)}</Name>`)],
  ['more than 64 kilobytes in few characters', leaving(victim, `<Name>${'汉'.repeat(22_000)}</Name>`)],
  ['a tag of nothing but spaces', leaving(`<a${' '.repeat(60_000)}b>`)],
  ['angle brackets only', '<'.repeat(60_000)],
  ['a byte of zero', leaving('vic\0tim')],
  ['a control character', leaving(victim, '<Name>\u0008</Name>')],
  ['half a character', leaving(victim, '<Name>\ud83d</Name>')],
  ['nothing', ''],
  ['white space', ' \n '],
  ['plain text', 'success'],

  // Values
  ['a userid of two words', leaving('vic tim')],
  ['a userid with a line break', leaving('<![CDATA[vic\ntim]]>')],
  ['a userid that is markup', leaving('<![CDATA[<script>]]>')],
  ['a userid of a thousand letters', leaving('a'.repeat(1000))],
  ['no userid', xml({ ...corpForm, ChangeType: 'delete_user' })],
  ['an empty userid', leaving('<![CDATA[]]>')],
  ['a department that is no number', xml({ ...corpForm, ChangeType: 'delete_party', Id: '1 or 1' })],
  ['a department of zero', xml({ ...corpForm, ChangeType: 'delete_party', Id: 0 })],
  ['a department below zero', xml({ ...corpForm, ChangeType: 'delete_party', Id: -1 })],
  ['a department in exponents', xml({ ...corpForm, ChangeType: 'delete_party', Id: '1e3' })],
  ['a tag without its id', xml({ ...corpForm, ChangeType: 'update_tag' })],
  ['no company', xml({ ...corpForm, ToUserName: undefined, ChangeType: 'delete_user', UserID: 'victim' })],
  ['no kind of change', xml({ ...corpForm, UserID: 'victim' })],
  ['a kind of event with a line break', xml({ ...corpForm, Event: 'a\nb' })],
  ['a kind of command that is markup', xml({ ...command, InfoType: '<b>' })],
  ['a ticket without ticket', xml({ ...command, InfoType: 'suite_ticket' })],
  ['a ticket with a line break', xml({ ...command, InfoType: 'suite_ticket', SuiteTicket: 'a\nb' })],
  ['a ticket without suite', xml({ InfoType: 'suite_ticket', TimeStamp: 1403610513, SuiteTicket: 'a' })],
  ['an authorisation without code', xml({ ...command, InfoType: 'create_auth' })],
  ['a cancellation of nobody', xml({ ...command, InfoType: 'cancel_auth' })],
  [
    'a change of contacts of nobody',
    xml({ ...command, InfoType: 'change_contact', ChangeType: 'delete_user', UserID: 'a' }),
  ],

  // JSON
  ['JSON that is no object', JSON.stringify([{ ...corpForm }])],
  ['JSON that is broken', '{"MsgType":"event",'],
  ['JSON with a comment', '{"MsgType":"event"/**/}'],
  ['a key twice', '{"InfoType":"cancel_auth","SuiteId":"a","AuthCorpId":"b","AuthCorpId":"c"}'],
  ['a key twice, once escaped', '{"InfoType":"cancel_auth","SuiteId":"a","AuthCorpId":"b","AuthCorp\\u0049d":"c"}'],
  ['a key twice in another case', '{"InfoType":"cancel_auth","SuiteId":"a","AuthCorpId":"b","authcorpid":"c"}'],
  ['a key twice deep inside', '{"InfoType":"cancel_auth","SuiteId":"a","AuthCorpId":"b","x":{"y":1,"y":2}}'],
  ['an object where text must be', '{"InfoType":"cancel_auth","SuiteId":"a","AuthCorpId":{"$ne":""}}'],
  ['a list where text must be', '{"InfoType":"cancel_auth","SuiteId":"a","AuthCorpId":["b"]}'],
  ['JSON of a thousand levels', `{"InfoType":"x","SuiteId":"a","y":${'['.repeat(1000)}${']'.repeat(1000)}}`],
  ['a control character in JSON', '{"InfoType":"x","SuiteId":"a\\u0000"}'],
  ['half a character in JSON', '{"InfoType":"cancel_auth","SuiteId":"a","AuthCorpId":"\\ud83d"}'],
]

function billionLaughs(): string {
  const lines = Array.from({ length: 9 }, (_, level) => `<!ENTITY l${level + 1} "${`&l${level};`.repeat(10)}">`)
  return `<!ENTITY l0 "ha">${lines.join('')}`
}

for (const [what, message] of hostile) {
  test(`a message with ${what} is refused, and nothing of it is repeated`, () => {
    assertRefused(() => readEvent(message))
  })
}

const envelope = '<ToUserName><![CDATA[ww1]]></ToUserName><AgentID><![CDATA[218]]></AgentID>'
const encrypted = '<Encrypt><![CDATA[QUJD+/==]]></Encrypt>'
const read = { toUserName: 'ww1', agentId: '218', encrypt: 'QUJD+/==' }

for (const [what, body, expected] of [
  ['in the order of the documentation', `<xml>${envelope}${encrypted}</xml>`, read],
  ['in another order', `<xml>${encrypted}${envelope}</xml>`, read],
  [
    'of a suite, without agent',
    `<xml><AgentID/>${encrypted}</xml>`,
    { ...read, toUserName: undefined, agentId: undefined },
  ],
  ['without CDATA', '<xml><ToUserName>ww1</ToUserName><AgentID>218</AgentID><Encrypt>QUJD+/==</Encrypt></xml>', read],
  ['in JSON', '{"tousername":"ww1","encrypt":"QUJD+/==","agentid":"218"}', read],
  ['in JSON with capitals and a number', '{"ToUserName":"ww1","Encrypt":"QUJD+/==","AgentID":218}', read],
] as const) {
  test(`an envelope ${what} is read, from text and from bytes`, () => {
    assert.deepEqual(readEnvelope(body, 'text/xml; charset=UTF-8'), expected)
    assert.deepEqual(readEnvelope(Buffer.from(body)), expected)
  })
}

for (const [what, body, contentType] of [
  ['without ciphertext', `<xml>${envelope}</xml>`],
  ['with an empty ciphertext', `<xml>${envelope}<Encrypt/></xml>`],
  ['with two ciphertexts', `<xml>${envelope}${encrypted}${encrypted}</xml>`],
  ['with a ciphertext that is no base64', `<xml>${envelope}<Encrypt>a.b</Encrypt></xml>`],
  ['with a ciphertext within a ciphertext', `<xml>${envelope}<Encrypt>${encrypted}</Encrypt></xml>`],
  ['with a document type', `${dtd('<!ENTITY x SYSTEM "file:///etc/passwd">')}<xml><Encrypt>&x;</Encrypt></xml>`],
  ['with a receiver that is a path', `<xml><ToUserName>../../x</ToUserName>${encrypted}</xml>`],
  ['with two ciphertexts in JSON', '{"encrypt":"QUJD","encrypt":"QUJE"}'],
  ['with a list of ciphertexts', '{"encrypt":["QUJD"]}'],
  ['of another charset', `<xml>${encrypted}</xml>`, 'text/xml; charset=GBK'],
  ['that is a form', 'Encrypt=QUJD', 'application/x-www-form-urlencoded'],
  ['that is too large', `<xml>${encrypted}<A>${'x'.repeat(98_304)}</A></xml>`],
  ['that is empty', ''],
  ['that is not UTF-8', Buffer.from([0x3c, 0x78, 0xff, 0xfe])],
] as [string, string | Buffer, string?][]) {
  test(`an envelope ${what} is refused`, () => {
    assertRefused(() => readEnvelope(body, contentType))
  })
}

test('the largest message fits into its envelope', () => {
  const crypto = createCallbackCrypto({ token: 't', encodingAesKey: 'A'.repeat(43), receiveIds: ['ww1'] })
  const frame = xml({ ...corpForm, ChangeType: 'update_tag', TagId: 1, AddUserItems: '' })
  const message = frame.replace('<AddUserItems><![CDATA[', (start) => start + 'a'.repeat(65_536 - frame.length))
  const { signature, timestamp, nonce, ciphertext } = crypto.seal(message, { timestamp: '1700000000', nonce: 'n' })

  const { encrypt } = readEnvelope(`<xml>${envelope}<Encrypt><![CDATA[${ciphertext}]]></Encrypt></xml>`)
  const opened = crypto.open({ signature, timestamp, nonce, ciphertext: encrypt })

  assert.equal(Buffer.byteLength(opened.message), 65_536)
  assert.equal(readEvent(opened.message).type, 'update_tag')
})

// ---- Properties -----------------------------------------------------------------------------------------------------

const userids = fc.stringMatching(/^[A-Za-z0-9][\w.@-]{0,63}$/)

test('whatever the userid, XML with and without CDATA and JSON say the same', () => {
  fc.assert(
    fc.property(
      userids,
      userids,
      fc.array(fc.nat(2_147_483_647), { minLength: 1 }),
      (userid, newUserid, departments) => {
        const values = {
          ...corpForm,
          ChangeType: 'update_user',
          UserID: userid,
          NewUserID: newUserid,
          Department: departments.join(','),
        }
        const bare = `<xml>${Object.entries(values)
          .map(([name, value]) => `<${name}>${value}</${name}>`)
          .join('')}</xml>`

        const event = readEvent(xml(values))

        assert.deepEqual(event, {
          ...contact,
          type: 'update_user',
          userid,
          newUserid,
          openUserid: undefined,
          departments,
        })
        assert.deepEqual(readEvent(bare), event)
        assert.deepEqual(readEvent(JSON.stringify(values)), event)
      },
    ),
  )
})

test('whatever text a field has, escaped or in CDATA, the others are read as they are', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      fc.pre(!/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(text))
      const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
      const inCdata = text.replaceAll(']]>', ']]]]><![CDATA[>')

      const expected: CallbackEvent = { ...contact, type: 'create_party', departmentId: 2 }
      assert.deepEqual(readEvent(party(`<Name>${escaped}</Name><Id>2</Id>`)), expected)
      assert.deepEqual(readEvent(party(`<Name><![CDATA[${inCdata}]]></Name><Id>2</Id>`)), expected)
    }),
  )
})

test('a message that is changed anywhere is read or refused, never anything else', () => {
  const messages = [...known.map(([, message]) => message), ...hostile.map(([, message]) => message.slice(0, 4000))]
  const pieces = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.constantFrom(
      '<',
      '>',
      '</',
      '/>',
      '&',
      ';',
      '&#',
      '<![CDATA[',
      ']]>',
      '<!--',
      '-->',
      '<?',
      '?>',
      '<!DOCTYPE',
      '"',
    ),
    fc.constantFrom('<UserID>', '</UserID>', '<xml>', '</xml>', '{', '}', '[', ':', '\\', '\0', '\ud800'),
  )
  fc.assert(
    fc.property(
      fc.constantFrom(...messages),
      fc.array(fc.tuple(fc.nat(4000), fc.nat(12), pieces), { minLength: 1, maxLength: 4 }),
      (message, changes) => {
        let changed = message
        for (const [at, length, piece] of changes) {
          const position = at % (changed.length + 1)
          changed = changed.slice(0, position) + piece + changed.slice(position + length)
        }
        for (const reading of [
          () => readEvent(changed),
          () => readEnvelope(changed),
          () => readEnvelope(Buffer.from(changed)),
        ]) {
          try {
            reading()
          } catch (error) {
            assert.ok(error instanceof WecomError && error.code === 'WECOM_CALLBACK_REJECTED', inspect(error))
          }
        }
      },
    ),
    { numRuns: 3000 },
  )
})

function assertRefused(reading: () => unknown): void {
  assert.throws(reading, (error) => {
    assert.ok(error instanceof WecomError, inspect(error))
    assert.equal(error.code, 'WECOM_CALLBACK_REJECTED')
    const told = inspect(error, { depth: 9, showHidden: true }).replaceAll(/\n\s+at .*/g, '')
    assert.ok(!/victim|passwd|127\.0\.0\.1/.test(told), told)
    return true
  })
}
