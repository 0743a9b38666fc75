import { expect } from 'chai'
import { ask } from '../support/ask.ts'
import { bearer } from '../support/clients.ts'
import type { GatewayProcess } from '../support/process.ts'
import { callGateway, prepareSurroundings } from '../support/surroundings.ts'
import { adminKey, until } from '../support/world.ts'

const size = 2_000
/** Calls of the platform's connection at once. */
const mostInFlight = 40
const values = ['Huerta Sol', 'PO-001', '€100.00']
const body = Array.from({ length: size }, (_, index) =>
  JSON.stringify({ to: `+91${9_830_000_000 + index}`, template: { name: 'po_notification', values } }),
).join('\n')

async function send({ url }: GatewayProcess) {
  const headers = { ...bearer(adminKey), 'content-type': 'application/x-ndjson', 'idempotency-key': 'suppliers' }
  const answer = await ask(url, 'POST', '/v1/messages/bulk?accountId=379', { headers, body })
  return { ...answer, wait: answer.headers['retry-after'] }
}

describe('a bulk whose process is killed', function () {
  this.timeout(300_000)

  it('goes on where it ended under the same key: each is sent once', async () => {
    const around = await prepareSurroundings()
    try {
      const first = await around.gateway()
      const broken = send(first).catch((error: Error) => error)
      await until('a part is written', async () => (await around.count('wa_outgoing_messages')) > 200)
      await first.kill('SIGKILL')
      expect(await broken, 'nobody was answered').to.be.an('error')
      const written = await around.count('wa_outgoing_messages')
      expect(written).to.be.within(200, size - 1)
      const second = await around.gateway()
      const early = await send(second)
      expect([early.status, Number(early.wait) > 0], 'the other may still be at work').to.deep.equal([409, true])
      // A minute has passed.
      await around.database.write("UPDATE idempotent_requests SET held_until = '2020-01-01 00:00:00.000'")
      const { status, text } = await send(second)
      expect(status, text.slice(0, 300)).to.equal(202)
      const { id, items, ...sums } = JSON.parse(text) as { id: string; items: { messageId: string }[] }
      expect(sums).to.deep.equal({ total: size, accepted: size, skipped: 0, failed: 0 })
      expect(new Set(items.map(({ messageId }) => messageId)).size).to.equal(size)
      const left = async () =>
        (await callGateway<{ statuses: Record<string, number> }>(second, 'GET', `/v1/bulks/${id}`)).body.statuses
      // What was being called in that moment is in doubt once its lease is over; all else is taken.
      await until(
        'all others were sent',
        async () => {
          const { read = 0, queued = 0, unknown = 0 } = await left()
          return read >= size - mostInFlight && read + queued + unknown === size && queued <= mostInFlight
        },
        200_000,
      )
      const recipients = around.provider.accepted().map(({ to }) => to)
      expect(new Set(recipients).size, 'nobody twice').to.equal(recipients.length)
      expect(recipients.length).to.be.within(size - mostInFlight, size)
      expect(await around.count('wa_outgoing_messages')).to.equal(size)
    } finally {
      await around.close()
    }
  })
})
