/** How much reading 100,000 members costs beyond JSON.parse: `node wecom/bench.ts`. Prints the best of seven rounds. */

import { performance } from 'node:perf_hooks'

import { readMembers } from './src/members.ts'

const MEMBERS = 100_000
const ROUNDS = 7

const text = JSON.stringify({
  errcode: 0,
  errmsg: 'ok',
  userlist: Array.from({ length: MEMBERS }, (_, index) => row(index)),
})

let parse = Infinity
let read = Infinity
for (let round = 0; round < ROUNDS; round++) {
  const start = performance.now()
  const { userlist } = JSON.parse(text) as { userlist: unknown[] }
  const parsed = performance.now()
  const { members, rejected } = readMembers(userlist)
  const done = performance.now()
  if (members.length !== MEMBERS || rejected.length > 0) throw new Error('the rows were not read')
  parse = Math.min(parse, parsed - start)
  read = Math.min(read, done - parsed)
}

console.log(`${MEMBERS.toLocaleString('en')} members, ${(text.length / 1e6).toFixed(1)} million characters`)
console.log(
  `JSON.parse ${parse.toFixed(0)} ms, reading ${read.toFixed(0)} ms, together ${((parse + read) / parse).toFixed(2)} times JSON.parse`,
)

function row(index: number) {
  return {
    userid: `member-${index}`,
    name: `成员${index}`,
    department: [1 + (index % 3000), 3001 + (index % 50)],
    order: [100000000 - index, 0],
    is_leader_in_dept: [index % 30 === 0 ? 1 : 0, 0],
    main_department: 1 + (index % 3000),
    direct_leader: [`member-${Math.floor(index / 30)}`],
    position: '工程师',
    status: 1,
    enable: 1,
    mobile: `138${String(index).padStart(8, '0')}`,
    gender: '1',
    email: `member-${index}@example.com`,
    biz_mail: `member-${index}@corp.example.com`,
    avatar: `https://wework.qpic.cn/bizmail/${index}/0`,
    thumb_avatar: `https://wework.qpic.cn/bizmail/${index}/100`,
    alias: '',
    telephone: '020-12345678',
    address: '广州市海珠区新港中路',
    extattr: {
      attrs: [
        { type: 0, name: '工号', text: { value: String(index) } },
        { type: 1, name: '主页', web: { url: 'https://example.com', title: '主页' } },
      ],
    },
  }
}
