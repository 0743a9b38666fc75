import { expect } from 'chai'
import { createLogger } from '../../src/core/observe/logger.ts'
import { maskSecret } from '../../src/core/observe/redact.ts'
import { secretNames } from '../../src/providers/index.ts'

const logged = (facts: object): string => {
  const lines: string[] = []
  createLogger('debug', { stream: { write: (line: string) => void lines.push(line) }, secretNames }).info(
    facts,
    'message',
  )
  return lines.join('')
}

const ownNames = ['authorization', 'token', 'credentials']
const personalNames = ['phone', 'customerPhone', 'customerName', 'email', 'text', 'body']

describe('log lines', () => {
  for (const name of new Set([...ownNames, ...secretNames, ...personalNames])) {
    it(`never show ${name}, at any depth that occurs`, () => {
      for (const facts of [{ [name]: 'hunter2' }, { a: { [name]: 'hunter2' } }, { a: { b: { [name]: 'hunter2' } } }]) {
        expect(logged(facts)).to.contain('[redacted]').and.to.not.contain('hunter2')
      }
    })
  }

  it('show what a person needs to follow a message', () => {
    const line = JSON.parse(logged({ reference: 'AbC', connectionId: 7 })) as object
    expect(line).to.include({ reference: 'AbC', connectionId: 7, msg: 'message' })
  })

  it('show kind and words of an error, not the statement and values of the database', () => {
    const error = Object.assign(new Error('Duplicate entry'), {
      name: 'SequelizeUniqueConstraintError',
      sql: 'INSERT INTO t VALUES (hunter2)',
      parent: { sql: 'hunter2', parameters: ['hunter2'] },
    })
    const line = logged({ err: error })
    expect(line).to.contain('Duplicate entry').and.to.contain('SequelizeUniqueConstraintError')
    expect(line).to.not.contain('hunter2')
  })

  const quoting = [
    "Incorrect string value: '\\xF0\\x9F Asha' for column 'wa_contacts'.'name' at row 1",
    'Unexpected token \'A\', "Asha Nair"... is not valid JSON',
    'no message to +91 98101 00001',
    'refused for 919810100001',
    'asha.nair@example.com is not allowed',
  ]
  for (const words of quoting)
    it(`show no data that an error quotes: ${words}`, () => {
      const line = logged({ err: new Error(words) })
      expect(line).to.contain('…')
      expect(line).to.not.match(/Asha|asha|98101/)
    })

  it('show names of tables and servers in an error', () => {
    const words = "Table 'gateway.wa_polls' doesn't exist at 127.0.0.1:3306"
    expect(logged({ err: new Error(words) })).to.contain(words)
  })

  it('bear errors that are none, and endless ones', () => {
    expect(logged({ err: 'words' })).to.contain('words')
    expect(logged({ err: undefined })).to.contain('message')
    expect(logged({ err: new Error('x'.repeat(100_000)) }).length).to.be.lessThan(4_000)
  })
})

describe('masks', () => {
  it('show the last four characters of a secret, and nothing of a short one', () => {
    expect(maskSecret('EAAtokenabcd1234')).to.equal('…1234')
    for (const short of ['', 'abc', 'elevenchars']) expect(maskSecret(short)).to.equal('…')
  })
})
