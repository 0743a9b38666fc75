/** Situations of which each alert should tell, brought about at a gateway that works. */

import { ask } from './ask.ts'
import type { GatewayProcess } from './process.ts'
import type { Prometheus } from './prometheus.ts'
import { aCustomer, anOwnConnection, eventFor, type OwnConnection } from './stories.ts'
import { callGateway, type Surroundings, through } from './surroundings.ts'
import { until } from './world.ts'

export interface Stage {
  readonly around: Surroundings
  readonly gateway: GatewayProcess
  readonly prometheus: Prometheus
}

type Provoke = (stage: Stage) => Promise<unknown>

/** Alert -> what brings it about. One that needs longer comes earlier. */
export const provocations: Readonly<Record<string, Provoke>> = {
  ActivityUnpublished: async (stage) => {
    await takePublishing(stage)
    // The process that held it goes on until it asks again.
    await until('activity events stay unpublished', async () => {
      await tell(stage, 379)
      return isAbove(stage, 'max(fdr_activity_unpublished_oldest_seconds)', 5)
    })
  },
  async SendsWithoutReports(stage) {
    const { around, prometheus } = stage
    const silent = await anOwnConnection(through(around, stage.gateway))
    const suppress: ('sent' | 'delivered' | 'read')[] = ['sent', 'delivered', 'read']
    around.provider.addRule({ phoneNumberId: silent.phoneNumberId, webhooks: { suppress } })
    const sent = `fdr_connection_sends_total{connection="${silent.connectionId}"}`
    await tell(stage, silent.accountId)
    // An increase shows from the second scrape on.
    await until('the first is counted', async () => (await prometheus.query(sent)).length > 0)
    await tellMany(stage, silent, 8)
  },
  async BreakerOpen(stage) {
    await useLostConnection(stage)
  },
  /** By the same: some calls are lost, the breaker opens, and the others wait. */
  DoubtsGrow: async () => {},
  MessagesWaitTooLong: async () => {},
  async ConnectionNeedsCredentials(stage) {
    const { around, gateway } = stage
    const revoked = await anOwnConnection(through(around, gateway))
    const account = around.provider.account(revoked.phoneNumberId)
    if (account) around.provider.addAccount({ ...account, accessToken: 'EAAanothertoken01' })
    await tell(stage, revoked.accountId)
  },
  EventsParked: ({ gateway }) =>
    callGateway(gateway, 'POST', '/v1/events', { resource: 'shipment', eventSubType: 'failed_delivery' }),
  async WebhookSignaturesFail({ gateway }) {
    const headers = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }
    for (let times = 0; times < 15; times++) {
      await ask(gateway.url, 'POST', '/webhooks/meta', { headers, body: '{}' })
    }
  },
  /** A constraint that somebody added is in the way of erasing a customer. */
  async PersonalDataUncleared(stage) {
    const customer = aCustomer()
    const told = await callGateway(stage.gateway, 'POST', '/v1/events', eventFor(customer, { account_id: 379 }))
    if (told.status !== 202) throw new Error(`the event was answered ${told.status}`)
    await stage.around.database.sequelize.query(
      `ALTER TABLE wa_outgoing_messages ADD CONSTRAINT uncleared CHECK (customer_phone LIKE '+__________%')`,
    )
    await callGateway(stage.gateway, 'POST', '/v1/contacts/erase', { phone: customer.phone })
  },
  WorkerStandsStill: ({ around }) => around.database.write('RENAME TABLE wa_polls TO wa_polls_away'),
  InvariantDrift: ({ around }) =>
    around.database.write(
      `UPDATE wa_outgoing_messages SET state = 'queued', due_at = NULL WHERE state = 'accepted' ORDER BY id LIMIT 1`,
    ),
}

/** At the very end. */
export const GatewayDown: Provoke = ({ gateway }) => gateway.kill('SIGTERM')

const isAbove = async ({ prometheus }: Stage, expr: string, limit: number): Promise<boolean> =>
  ((await prometheus.query(expr))[0]?.values[0] ?? 0) > limit

/** Tells a new customer of this account of a failed delivery. */
export async function tell({ gateway }: Pick<Stage, 'gateway'>, account_id: number): Promise<void> {
  const { status, body } = await callGateway(gateway, 'POST', '/v1/events', eventFor(aCustomer(), { account_id }))
  if (status !== 202) throw new Error(`the event was answered ${status}: ${JSON.stringify(body)}`)
}

const tellMany = async (stage: Stage, { accountId }: OwnConnection, count: number): Promise<void> => {
  for (let told = 0; told < count; told++) await tell(stage, accountId)
}

/** Another process, which is gone, holds the right to publish. */
const takePublishing = ({ around }: Stage) =>
  around.database.write(
    `UPDATE gateway_leases SET holder = 'nobody', held_until = UTC_TIMESTAMP(3) + INTERVAL 1 HOUR
     WHERE name = 'publish_activity'`,
  )

/** Its provider takes nothing and breaks off: a few calls are in doubt until the breaker opens. */
async function useLostConnection(stage: Stage): Promise<void> {
  const { around, gateway } = stage
  const lost = await anOwnConnection(through(around, gateway), { limits: { concurrency: 4 } })
  around.provider.addRule({ phoneNumberId: lost.phoneNumberId, answer: 'reset', accept: false })
  await tellMany(stage, lost, 40)
}
