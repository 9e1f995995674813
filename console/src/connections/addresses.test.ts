import assert from 'node:assert/strict'
import { test } from 'node:test'
import { domainOf, isPublic } from './addresses.ts'

test('the domain is the host, with a port where there is one', () => {
  assert.equal(domainOf('https://id.corp.example/auth/wecom/hq/callback'), 'id.corp.example')
  assert.equal(domainOf('https://id.corp.example:8443/x'), 'id.corp.example:8443')
})

test('WeCom reaches names over https only, and never this machine', () => {
  assert.equal(isPublic('https://id.corp.example/x'), true)
  for (const url of ['http://id.corp.example/', 'https://localhost/', 'https://10.0.0.1/', 'https://[::1]/']) {
    assert.equal(isPublic(url), false, url)
  }
})
