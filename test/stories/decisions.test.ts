import { expect } from 'chai'
import {
  aClock,
  aFirstMessage,
  decisionsOf,
  inWorld,
  sharedWorld,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

interface ActionView {
  readonly id: string
  readonly state: string
  readonly attempts: number
  readonly responseStatus: number | null
  readonly nextTryAt: string | null
  readonly messageId: string
}

let nextShipment = 70_000_000

/** A customer who tapped "Reattempt" while the courier side refused it. */
async function aRefusal(world: World, shipment = nextShipment++) {
  world.provider.scriptNdr({ mode: 'refuse' })
  const told = await aFirstMessage(world, { id: shipment })
  await tap(world, told.sent, 'Reattempt')
  world.provider.scriptNdr({ mode: 'ok' })
  const [action] = (await timelineOf(world, told.id)).actions as unknown as ActionView[]
  if (!action) throw new Error('no decision')
  return { ...told, shipment, action }
}

const stateOf = (world: World, id: string, state: string, attempts: number) =>
  until(`${state} after ${attempts} calls`, async () => {
    const [action] = (await timelineOf(world, id)).actions
    return action?.state === state && action.attempts === attempts
  })

const retry = (world: World, id: string) => world.call<ActionView>('POST', `/v1/actions/${id}/retry`)

for (const storage of storages) {
  describe(`decisions for the courier side on ${storage}`, () => {
    const world = sharedWorld({ storage })

    it('one that is refused is shown with what the courier side said, and published as a failure', async () => {
      const { id, customer, action } = await aRefusal(world())
      expect(action).to.include({ state: 'refused', attempts: 1, responseStatus: 422, nextTryAt: null, messageId: id })
      const { activity, status } = await timelineOf(world(), id)
      const failed = activity.filter(({ event }) => event.eventSubType === 'failed')
      expect(failed).to.have.length(1)
      const response_data = failed[0]?.event.response_data ?? {}
      expect(response_data).to.include({ action_taken: 'Reattempt', customerContactNumber: customer.local })
      expect(response_data.failureReason).to.match(
        /^The courier side refused the decision: HTTP 422 .*already delivered/,
      )
      expect(response_data, 'the message itself did not fail').to.not.have.property('isRootMessage')
      expect(status).to.not.equal('failed')
    })

    it('one that is refused can be pushed again, which is written down', async () => {
      const { id, customer, action } = await aRefusal(world())
      const { status, body } = await retry(world(), action.id)
      expect(status).to.equal(200)
      expect(body).to.include({ id: action.id, messageId: id })
      await stateOf(world(), id, 'taken', 2)
      expect(decisionsOf(world(), customer)).to.have.length(1)
      const audits = await world().rows(
        `SELECT actor, action, account_id AS account FROM audit_log WHERE subject_type = 'decision' AND subject_id = '${action.id}'`,
      )
      expect(audits).to.deep.equal([{ actor: 'admin', action: 'decision.retry', account: 379 }])
    })

    it('one that is refused again is a failure again', async () => {
      const { id, action } = await aRefusal(world())
      world().provider.scriptNdr({ mode: 'refuse' })
      expect((await retry(world(), action.id)).status).to.equal(200)
      await stateOf(world(), id, 'refused', 2)
      const { activity } = await timelineOf(world(), id)
      expect(activity.filter(({ event }) => event.eventSubType === 'failed')).to.have.length(2)
    })

    it('only one that is refused can be pushed again', async () => {
      const { id, sent } = await aFirstMessage(world(), { id: nextShipment++ })
      await tap(world(), sent, 'Reattempt')
      const [action] = (await timelineOf(world(), id)).actions as unknown as ActionView[]
      expect((await retry(world(), action?.id ?? '')).status).to.equal(409)
      for (const unknown of ['999999999', '0', 'x', '1e3']) {
        expect((await retry(world(), unknown)).status, unknown).to.equal(404)
      }
    })

    it('one that is refused cannot be pushed after a newer one about the same shipment', async () => {
      const { action, shipment } = await aRefusal(world())
      const { sent } = await aFirstMessage(world(), { id: shipment })
      await tap(world(), sent, 'Report fake delivery')
      const answer = await retry(world(), action.id)
      expect(answer.status).to.equal(409)
      expect(String((answer.body as { detail?: string }).detail)).to.include('newer decision')
    })

    it('those that are refused are listed, newest first', async () => {
      const older = await aRefusal(world())
      const newer = await aRefusal(world())
      const page = (query: string) =>
        world().call<{ items: ActionView[]; next: string | null }>('GET', `/v1/actions?${query}`)
      const first = await page('state=refused&limit=1')
      expect(first.body.items.map(({ id }) => id)).to.deep.equal([newer.action.id])
      const second = await page(`state=refused&limit=1&cursor=${first.body.next}`)
      expect(second.body.items.map(({ id }) => id)).to.deep.equal([older.action.id])
      expect((await page('state=refused&accountId=999')).body.items).to.be.empty
      expect((await page('state=gone')).status).to.equal(400)
    })

    it('of two conversations about one shipment reach it in the order in which they were made', () =>
      inWorld({ storage, now: aClock('2026-06-19T06:00:00Z').now }, async (world) => {
        world.provider.scriptNdr({ mode: 'down', next: 1 })
        const first = await aFirstMessage(world, { id: 1 })
        await tap(world, first.sent, 'Reattempt')
        const second = await aFirstMessage(world, { id: 1 })
        await world.provider.tap(second.sent.wamid, { title: 'Report fake delivery' })
        await until('the second one is decided', async () => (await timelineOf(world, second.id)).actions.length === 1)
        // The clock stands still, so the first one still waits for its next try.
        await new Promise((resolve) => setTimeout(resolve, 1_200))
        expect(world.provider.ndrCalls()).to.have.length(1)
        const [waiting] = (await timelineOf(world, first.id)).actions as unknown as ActionView[]
        expect(waiting?.nextTryAt).to.match(/^2026-06-19T06:00:0[4-6]/)
        await world.database.write(`UPDATE ndr_actions SET due_at = created_at WHERE attempts = 1`)
        await until('both are taken', () => world.provider.ndr().length === 2)
        expect(world.provider.ndr().map(({ body }) => body.action)).to.deep.equal(['reattempt', 'report_fake_delivery'])
      }))
  })
}
