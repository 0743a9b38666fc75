import { expect } from 'chai'
import type { AccountSettings } from '../../src/core/accounts/settings.ts'
import type { Content } from '../../src/core/contract/content.ts'
import { linkTarget } from '../../src/core/conversations/tracked-link.ts'
import type { OutgoingRecord } from '../../src/core/sending/outgoing-rows.ts'
import type { OutgoingStore } from '../../src/core/sending/outgoing-store.ts'

const token = 'AbCdEfGhIjKlMnOpQrSt_-'
const link: Content = {
  type: 'link',
  text: 'x',
  title: 'y',
  url: `https://gateway.example.com/track/whatsapp/${token}`,
}

interface Case {
  readonly asked?: string
  readonly content?: Content | null
  readonly trackingId?: string
  readonly accountPortal?: string
  readonly portalUrl?: string
}

const targetOf = ({ asked = token, content = link, trackingId = '1704612602165', ...portals }: Case) => {
  const message = {
    accountId: 379,
    content,
    snapshot: { ...(trackingId === '' ? {} : { trackingId }), channelId: '1299' },
  } as unknown as OutgoingRecord
  const outgoing = {
    idsByReference: async (tokens: string[]) => new Map(tokens.includes(token) ? [[token, 57]] : []),
    get: async (id: number) => (id === 57 ? message : undefined),
  } as unknown as OutgoingStore
  const settings = async (accountId: number, channelId?: string) => {
    expect([accountId, channelId]).to.deep.equal([379, '1299'])
    return { portalUrl: portals.accountPortal } as AccountSettings
  }
  return linkTarget({ outgoing, settings, portalUrl: portals.portalUrl }, asked)
}

const portalUrl = 'https://portal.example.com'

describe('tracked link', () => {
  it('leads to the tracking page, marked as coming from WhatsApp', async () => {
    expect(await targetOf({ portalUrl })).to.equal('https://portal.example.com/1704612602165?source=whatsapp')
  })

  it('prefers the portal of the account', async () => {
    const accountPortal = 'https://track.acme.example/p/'
    expect(await targetOf({ portalUrl, accountPortal })).to.equal(
      'https://track.acme.example/p/1704612602165?source=whatsapp',
    )
  })

  it('a tracking number can leave neither page nor portal', async () => {
    for (const trackingId of ['../../admin', '//evil.example', '?source=x#y', 'a b&c=d', 'अ']) {
      const target = new URL((await targetOf({ portalUrl, trackingId })) ?? '')
      expect(target.origin).to.equal(portalUrl)
      expect(decodeURIComponent(target.pathname)).to.equal(`/${trackingId}`)
      expect(target.search).to.equal('?source=whatsapp')
    }
  })

  it('leads to the portal itself where there is no tracking number', async () => {
    expect(await targetOf({ portalUrl, trackingId: '' })).to.equal('https://portal.example.com/?source=whatsapp')
  })

  const nowhere: [string, Case][] = [
    ['a token of nobody', { asked: 'x'.repeat(22), portalUrl }],
    ['a message without a link', { content: { type: 'text', text: 'x' }, portalUrl }],
    ['a message without content', { content: null, portalUrl }],
    ['no portal', {}],
  ]
  for (const [label, given] of nowhere) {
    it(`${label}: nowhere`, async () => expect(await targetOf(given)).to.equal(undefined))
  }
})
