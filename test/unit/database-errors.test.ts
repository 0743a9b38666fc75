import { expect } from 'chai'
import { isDatabaseAway, isRefusedValue, isTransient } from '../../src/core/storage/database-errors.ts'

const fault = (errno: number, code = '') =>
  Object.assign(new Error(code), { name: 'SequelizeDatabaseError', original: { errno, code } })

describe('errors of the database', () => {
  for (const [label, error] of [
    ['a value that is too long', fault(1406, 'ER_DATA_TOO_LONG')],
    ['text that the column cannot hold', fault(1366, 'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD')],
    ['a blob above the limit of SQLite', fault(0, 'SQLITE_TOOBIG')],
    ['nesting that cannot be written as JSON', new RangeError('Maximum call stack size exceeded')],
  ] as const)
    it(`${label} will never be stored`, () => expect(isRefusedValue(error)).to.equal(true))

  for (const [label, error] of [
    ['a server that shuts down', fault(1053, 'ER_SERVER_SHUTDOWN')],
    ['a statement that an operator killed', fault(1317, 'ER_QUERY_INTERRUPTED')],
    ['a statement that took too long', fault(1969, 'ER_STATEMENT_TIMEOUT')],
    ['a full disk', fault(1114, 'ER_RECORD_FILE_FULL')],
    ['too many prepared statements', fault(1461, 'ER_MAX_PREPARED_STMT_COUNT_REACHED')],
    ['a key that exists', fault(1062, 'ER_DUP_ENTRY')],
    ['a deadlock', fault(1213, 'ER_LOCK_DEADLOCK')],
    ['a lost connection', Object.assign(new Error('read ECONNRESET'), { name: 'SequelizeConnectionError' })],
  ] as const)
    it(`${label} is no fault of the values`, () => expect(isRefusedValue(error)).to.equal(false))

  it('tells what is worth repeating at once, and when the database is away', () => {
    expect(isTransient(fault(1213))).to.equal(true)
    expect(isTransient(fault(1406))).to.equal(false)
    expect(isDatabaseAway(new Error('read ECONNRESET'))).to.equal(true)
    expect(isDatabaseAway(fault(1406))).to.equal(false)
  })
})
