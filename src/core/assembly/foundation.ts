/** What everything stands on: the configuration, read once, and the stores. */

import { createApiKeys } from '../accounts/api-keys.ts'
import { createConnectionEvents } from '../accounts/connection-events.ts'
import { type Connection, createConnectionStore, platformAccountId } from '../accounts/connections.ts'
import { createSecretBox } from '../accounts/secret-box.ts'
import { createSettingsStore } from '../accounts/settings.ts'
import { createTemplateHealth } from '../accounts/template-health.ts'
import { loadTemplateRegistry } from '../accounts/templates.ts'
import { createActivityStore } from '../activity/activity-store.ts'
import { createWaitingActivity } from '../activity/waiting-activity.ts'
import { createConsentStore } from '../contacts/consent-store.ts'
import { loadConsentWords } from '../contacts/consent-words.ts'
import { createContactStore } from '../contacts/contact-store.ts'
import { createObeyWishes } from '../contacts/obey-wishes.ts'
import type { TemplateContent } from '../contract/content.ts'
import { createConversationStore } from '../conversations/conversation-store.ts'
import { loadFlows } from '../conversations/flows.ts'
import { createFlowsFor } from '../conversations/flows-override.ts'
import { createNdrStore } from '../conversations/ndr-store.ts'
import type { CoreOptions } from '../core.ts'
import { createDoctor } from '../doctor/doctor.ts'
import { createWebhookNotes } from '../doctor/webhook-notes.ts'
import { createContactNewsStore } from '../inbound/contact-news-store.ts'
import { createInboundStore } from '../inbound/inbound-store.ts'
import { loadLinkRules } from '../links/link-rules.ts'
import { kinds } from '../notifications/kinds/kinds.ts'
import { createMorning } from '../notifications/morning.ts'
import { loadReasons } from '../notifications/reason.ts'
import { createRejectedEvents } from '../notifications/rejected-events.ts'
import { loadTemplateCatalog } from '../notifications/template-catalog.ts'
import { loadTimeZones } from '../notifications/time-zones.ts'
import { createPollStore } from '../polling/poll-store.ts'
import { releaseKept } from '../sending/keep-for-morning.ts'
import { createLifetimes } from '../sending/lifetime.ts'
import { createOutgoingStore } from '../sending/outgoing-store.ts'
import { createCanCarry } from '../sending/route.ts'
import { loadPrices } from '../stats/prices.ts'
import { createTemplateSync } from '../templates/sync.ts'
import { createTemplateStore } from '../templates/template-store.ts'
import { createOrderDetails } from '../wms/order-details.ts'

/**
 * Reads the configuration and opens the stores. The tables must be there.
 * @param onSetAside told of each connection whose number another one has proved
 * @throws {Error} that names every mistake in the configuration
 */
export async function createFoundation(options: CoreOptions, onSetAside: (connectionId: number) => void) {
  const { database, configDir, now, random, metrics, onChange } = options
  const catalog = loadTemplateCatalog(configDir)
  const flows = loadFlows(configDir)
  const linkRules = loadLinkRules(configDir)
  const consentWords = loadConsentWords(configDir)
  const flowsFor = createFlowsFor(flows)
  const reasons = loadReasons(`${configDir}/reasons.yaml`)
  const zonesOf = loadTimeZones(configDir)
  const prices = loadPrices(`${configDir}/prices.yaml`)
  const templates = await loadTemplateRegistry(database, catalog, now())

  const providerById = (id: string) => options.providers.find((provider) => provider.id === id)
  const capabilities = ({ provider }: Pick<Connection, 'provider'>) => providerById(provider)?.capabilities
  const settings = createSettingsStore({
    database,
    now,
    onChange: (accountId) => onChange({ what: 'settings', accountId }),
    onQuietChange: (accountId) =>
      // What this does not reach leaves in the morning that it waits for.
      void releaseKept(database, accountId, now()).catch((error) =>
        options.log.warn({ err: error, accountId }, 'messages that wait for the morning could not be looked at again'),
      ),
  })
  const webhookNotes = createWebhookNotes(database, now)
  const secrets = createSecretBox(options.secretsKeys)
  const connections = createConnectionStore({
    database,
    secrets,
    providerById,
    now,
    onChange: (only) => onChange({ what: 'connections', only }),
    onSetAside,
    onCredentials: async (id) => {
      await webhookNotes.forget(id)
      await templateSync.soon(id)
    },
  })
  const apiKeys = createApiKeys({ database, now, onChange: () => onChange({ what: 'api_keys' }) })
  const connectionEvents = createConnectionEvents(database)
  const templateHealth = createTemplateHealth(database)
  /** Of which nothing is known, that counts as usable. */
  const templateUse = async (connectionId: number, template: TemplateContent['template']) =>
    (await templateHealth.get(connectionId, template))?.use ?? 'usable'
  const templateStore = createTemplateStore(database, templateHealth)
  const templateSync = createTemplateSync({
    database,
    adapter: options.adapter,
    listing: options.providers.filter((provider) => provider.capabilities.managesTemplates).map(({ id }) => id),
    connection: (id) => connections.get(id),
    store: templateStore,
    changed: (connectionId) => onChange({ what: 'templates', connectionId }),
    log: options.log,
    now,
    random,
  })
  const platformConnection = async (): Promise<Connection | undefined> => {
    const { connectionId } = await settings.get(platformAccountId)
    if (connectionId === undefined) return (await connections.platform())[0]
    // One that is gone is never replaced by another, silently and at somebody else's cost.
    const named = await connections.get(connectionId)
    return named?.state === 'deleted' ? undefined : named
  }
  const outgoing = createOutgoingStore(database)
  const rejected = createRejectedEvents(database)
  const waiting = createWaitingActivity(database)
  const activity = createActivityStore({
    database,
    hasBroker: options.hasBroker,
    waiting: options.wms ? waiting : undefined,
  })
  const details = options.wms && createOrderDetails(options.wms, `${configDir}/wms/order-details.sql`)
  const inbound = createInboundStore(database)
  const contactNews = createContactNewsStore(database)
  const contacts = createContactStore(database)
  const consents = createConsentStore(database)
  const ndr = createNdrStore(database)
  const batchSize = (batch: 'events' | 'outcomes' | 'webhooks') => (size: number) =>
    metrics.batchSize.observe({ batch }, size)

  const polls = createPollStore({
    database,
    random,
    isPolled: async (id) => {
      const owner = await connections.get(id)
      return owner !== undefined && (capabilities(owner)?.looksUp ?? false)
    },
  })
  const lifetimes = createLifetimes({ catalog, providers: options.providers, connection: connections.get })
  return {
    catalog,
    flows,
    linkRules,
    consentWords,
    flowsFor,
    reasons,
    kinds,
    templates,
    providerById,
    capabilities,
    prices,
    morning: createMorning({
      settings: settings.get,
      zonesOf,
      waiting: new Set(kinds.filter(({ waitsForMorning }) => waitsForMorning).map(({ id }) => id)),
      now,
    }),
    canCarry: createCanCarry(capabilities),
    templateUse,
    isTemplateUsable: async (connectionId: number, template: TemplateContent['template']) =>
      (await templateUse(connectionId, template)) === 'usable',
    secrets,
    apiKeys,
    settings,
    connections,
    connectionEvents,
    webhookNotes,
    doctor: createDoctor({
      database,
      adapter: options.adapter,
      capabilities,
      notes: webhookNotes,
      connections,
      publicUrl: options.publicUrl,
      templates: {
        catalog,
        capabilities,
        settings: settings.get,
        read: templateSync.read,
      },
      now,
    }),
    templateStore,
    templateSync,
    templateHealth,
    platformConnection,
    outgoing,
    rejected,
    waiting,
    activity,
    details,
    inbound,
    contactNews,
    contacts,
    consents,
    obeyWishes: createObeyWishes({ consents, outgoing }),
    ndr,
    polls,
    lifetimes,
    batchSize,
    conversations: createConversationStore(),
  }
}

export type Foundation = Awaited<ReturnType<typeof createFoundation>>
