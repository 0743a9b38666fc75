import { createHmac } from 'node:crypto'
import { verifyWebhook } from '../../src/providers/meta/webhook.ts'
import { expectSameTime } from '../support/same-time.ts'

/** Large enough that hashing it once more or less shows. */
const body = Buffer.alloc(256 * 1024, 'webhook ')
const rounds = 40

const credentials = { appSecret: 'secret_of_the_app_1' }
const changing = { ...credentials, previousAppSecret: 'secret_of_the_app_0' }
const hmac = (secret: string) => createHmac('sha256', secret).update(body).digest('hex')
const right = hmac(credentials.appSecret)
const wrongAt = (at: number) => right.slice(0, at) + (right[at] === '0' ? '1' : '0') + right.slice(at + 1)

describe('the time that a refused signature takes', () => {
  const refuse = (signature: string | undefined, of: Readonly<Record<string, string>> = credentials) => {
    const headers = signature === undefined ? {} : { 'x-hub-signature-256': signature }
    const connection = { id: '1', credentials: of }
    return () => {
      if (verifyWebhook({ headers, body }, [connection])) throw new Error('it is accepted')
    }
  }

  it('is the same whatever is wrong, wherever the first wrong digit is, and however many secrets there are', () =>
    expectSameTime(
      'refused',
      {
        "another connection's secret": refuse(`sha256=${hmac('secret_of_another_app')}`),
        'first digit': refuse(`sha256=${wrongAt(0)}`),
        'last digit': refuse(`sha256=${wrongAt(63)}`),
        'cut short': refuse(`sha256=${right.slice(0, 40)}`),
        'no hexadecimal': refuse(`sha256=${'z'.repeat(64)}`),
        'no prefix': refuse(right),
        'no signature': refuse(undefined),
        'two secrets': refuse(`sha256=${wrongAt(63)}`, changing),
        'no secret at all': refuse(`sha256=${wrongAt(0)}`, {}),
      },
      rounds,
    ))
})
