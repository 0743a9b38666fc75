import { expect } from 'chai'
import { simulatorAccount } from '../support/fixtures.ts'
import { aWebhook, sharedWorld, storages, tell } from '../support/stories.ts'

for (const storage of storages) {
  describe(`webhooks of one app for many numbers, on ${storage}`, () => {
    const world = sharedWorld({ storage })
    const repliesOf = (wamid: string) =>
      world().rows<{ connection_id: number }>(
        `SELECT connection_id FROM wa_customer_reply_messages WHERE reply_message_id = '${wamid}'`,
      )
    const reply = (id: string) => ({
      from: '919810012345',
      id,
      timestamp: String(Math.floor(Date.now() / 1_000)),
      type: 'text',
      text: { body: 'Hello' },
    })

    it('go to the number that they name, and are parked when it is none of theirs', async () => {
      const { appSecret, accessToken, wabaId } = simulatorAccount.credentials
      const phoneNumberId = '810000000000777'
      const { body } = await world().call<{ id: string; webhook: { callbackUrl: string } }>(
        'POST',
        '/v1/connections?verify=false',
        {
          accountId: 5,
          provider: 'meta',
          name: 'Second number',
          businessPhone: '+911140007777',
          credentials: { phoneNumberId, wabaId, accessToken, appSecret },
        },
      )
      await tell(world(), aWebhook({ messages: [reply('wamid.FIRST')] }))
      await tell(world(), aWebhook({ messages: [reply('wamid.SECOND')] }, phoneNumberId))
      expect(await repliesOf('wamid.FIRST')).to.deep.equal([{ connection_id: 1 }])
      expect(await repliesOf('wamid.SECOND')).to.deep.equal([{ connection_id: Number(body.id) }])
      // The app's secret is right, the number is another one's than this URL stands for.
      const path = new URL(body.webhook.callbackUrl).pathname
      await tell(world(), aWebhook({ messages: [reply('wamid.ELSEWHERE')] }), path)
      expect(await repliesOf('wamid.ELSEWHERE')).to.deep.equal([])
      const parked = await world().rows<{ reason: string }>(
        "SELECT reason FROM rejected_events WHERE source = 'webhook'",
      )
      expect(parked).to.deep.equal([{ reason: 'misrouted_webhook' }])
    })
  })
}
