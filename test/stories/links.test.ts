import { expect } from 'chai'
import type { AcceptedMessage } from '../../src/providers/simulator/ledger.ts'
import type { RawAnswer } from '../support/ask.ts'
import {
  aClock,
  aFirstMessage,
  anAccount,
  decisionsOf,
  http,
  inWorld,
  sharedWorld,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

interface Clicks {
  readonly count: number
  readonly firstAt: string | null
  readonly lastAt: string | null
}

const browser =
  'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36'
const portal = 'portal/1704612602165?source=whatsapp'

/** A customer who asked for a link by a tap, with the path of the link. */
async function aLink(world: World, changes: Record<string, unknown> = {}, title = 'Update address') {
  const told = await aFirstMessage(world, { reason: 'address_issue', ...changes })
  const [answer] = await tap(world, told.sent, title)
  return { ...told, answer, path: pathOf(answer) }
}

const pathOf = (answer: AcceptedMessage | undefined) => new URL(answer?.buttons[0]?.payload ?? '').pathname

const open = (world: World, path: string, headers: Record<string, string> = {}): Promise<RawAnswer> =>
  http(world, 'GET', path, { headers: { 'user-agent': browser, ...headers } })

async function clicksOf(world: World, id: string): Promise<Clicks | undefined> {
  const { followUps } = (await timelineOf(world, id)) as unknown as { followUps: { clicks?: Clicks }[] }
  return followUps.flatMap(({ clicks }) => clicks ?? [])[0]
}

/** A busy machine may write a click down after the redirect. */
const countedUpTo = (world: World, id: string, count: number) =>
  until(`${count} clicks`, async () => {
    const clicks = await clicksOf(world, id)
    return clicks?.count === count && clicks
  })

const clickEventsOf = async (world: World, id: string) =>
  (await timelineOf(world, id)).activity.filter(({ event }) => event.eventSubType === 'link_clicked')

for (const storage of storages) {
  describe(`tracked links on ${storage}`, () => {
    const world = sharedWorld({ storage })

    it('lead to the portal, marked as coming from WhatsApp, and are kept by no cache', async () => {
      const { path } = await aLink(world())
      const { status, headers } = await open(world(), path)
      expect(status).to.equal(302)
      expect(headers.location).to.equal(`${world().provider.url}/${portal}`)
      expect(headers).to.include({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
    })

    it('count every click, and publish the first one', async () => {
      const { id, path, answer, sent } = await aLink(world())
      expect(await clicksOf(world(), id)).to.deep.equal({ count: 0, firstAt: null, lastAt: null })
      await open(world(), path)
      const once = await countedUpTo(world(), id, 1)
      expect(once.lastAt).to.equal(once.firstAt)
      await Promise.all(Array.from({ length: 20 }, () => open(world(), path)))
      await open(world(), path)
      const often = await countedUpTo(world(), id, 22)
      expect(often.firstAt).to.equal(once.firstAt)
      expect(Date.parse(often.lastAt ?? '')).to.be.greaterThan(Date.parse(once.firstAt ?? ''))
      const events = await clickEventsOf(world(), id)
      expect(events).to.have.length(1)
      expect(events[0]?.event.response_data).to.include({
        linkAction: 'Update address',
        clickedAt: once.firstAt,
        messagedId: answer?.wamid,
        rootMessageId: sent.wamid,
      })
    })

    it('are not taken for the tap that asked for them, nor for a decision', async () => {
      const { id, path, customer } = await aLink(world(), {}, 'Add alternate number')
      await open(world(), path)
      await countedUpTo(world(), id, 1)
      const { activity } = await timelineOf(world(), id)
      const withAction = activity.filter(({ event }) => event.response_data.action_taken !== undefined)
      expect(withAction.map(({ event }) => event.eventSubType)).to.deep.equal(['Add alternate number'])
      expect((await clickEventsOf(world(), id))[0]?.event.response_data).to.include({
        linkAction: 'Add alternate number',
      })
      expect(decisionsOf(world(), customer)).to.be.empty
    })

    it('of the same customer are counted each for itself', async () => {
      const { id, path, sent } = await aLink(world())
      const [other] = await tap(world(), sent, 'Add alternate number')
      await open(world(), path)
      await open(world(), pathOf(other))
      const events = await until('both are noted', async () => {
        const noted = await clickEventsOf(world(), id)
        return noted.length === 2 && noted
      })
      const actions = events.map(({ event }) => event.response_data.linkAction)
      expect(actions).to.have.members(['Update address', 'Add alternate number'])
    })

    const others: [label: string, headers: Record<string, string>][] = [
      ["WhatsApp's preview", { 'user-agent': 'WhatsApp/2.23.20.0 A' }],
      ['facebookexternalhit', { 'user-agent': 'facebookexternalhit/1.1' }],
      ['Telegram', { 'user-agent': 'TelegramBot (like TwitterBot)' }],
      ['Slack', { 'user-agent': 'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)' }],
      ['Google', { 'user-agent': 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)' }],
      ['a browser that fetches ahead', { 'sec-purpose': 'prefetch;prerender' }],
      ['an older browser that fetches ahead', { purpose: 'prefetch' }],
    ]
    it('redirect previews and prefetches like anybody, and count none of them', async () => {
      const { id, path } = await aLink(world())
      for (const [label, headers] of others) {
        const { status, headers: answered } = await open(world(), path, headers)
        expect(status, label).to.equal(302)
        expect(answered.location, label).to.equal(`${world().provider.url}/${portal}`)
      }
      const head = await http(world(), 'HEAD', path, { headers: { 'user-agent': browser } })
      expect([head.status, head.headers.location]).to.deep.equal([302, `${world().provider.url}/${portal}`])
      expect(await clicksOf(world(), id)).to.include({ count: 0 })
      expect(await clickEventsOf(world(), id)).to.be.empty
    })

    it('that nobody made are a page without detail', async () => {
      const first = await aFirstMessage(world())
      const reference = first.sent.reference?.split('.')[0]
      const pages = new Set<string>()
      for (const token of ['AAAAAAAAAAAAAAAAAAAAAA', 'x', '..%2f..%2fetc', '%27%20OR%201=1', `${reference}`]) {
        const { status, text } = await open(world(), `/track/whatsapp/${token}`)
        expect(status, token).to.equal(404)
        pages.add(text)
      }
      expect(pages.size, 'one and the same').to.equal(1)
      const [page = ''] = pages
      expect(page).to.include('This link is not valid')
      const { text } = await open(world(), '/track/whatsapp/x', { 'accept-language': 'hi-IN,hi;q=0.9' })
      expect(text).to.include('lang="hi"')
    })

    it('lead nowhere where there is no portal', () =>
      inWorld({ storage, env: { PORTAL_URL: '' } }, async (world) => {
        const { path } = await aLink(world)
        expect((await open(world, path)).status).to.equal(404)
        const account_id = await anAccount(world, { portalUrl: 'https://track.acme.example' })
        const own = await aLink(world, { account_id })
        expect((await open(world, own.path)).headers.location).to.match(/^https:\/\/track\.acme\.example\//)
      }))

    it('say so when they have expired, and count nothing any more', () => {
      const clock = aClock('2026-06-19T06:00:00Z')
      return inWorld({ storage, now: clock.now }, async (world) => {
        const account_id = await anAccount(world, { languages: ['hi'] })
        const english = await aLink(world)
        const hindi = await aFirstMessage(world, { reason: 'address_issue', account_id })
        const [answer] = await tap(world, hindi.sent, 'पता अपडेट करें')
        clock.advance(30 * 24 * 60)
        expect((await open(world, english.path)).status, 'on its last day').to.equal(302)
        await countedUpTo(world, english.id, 1)
        clock.advance(1)
        const page = await open(world, english.path)
        expect(page.status).to.equal(410)
        expect(page.text).to.include('This link has expired')
        expect((await open(world, pathOf(answer))).text).to.include('lang="hi"')
        expect(await clicksOf(world, english.id)).to.include({ count: 1 })
      })
    })

    it('lead to the portal also while the database takes no writes; the click is noted afterwards', () =>
      inWorld({ storage }, async (world) => {
        const { id, path } = await aLink(world)
        await world.database.write('ALTER TABLE wa_link_clicks RENAME TO away')
        const startedAt = performance.now()
        expect((await open(world, path)).status).to.equal(302)
        expect(performance.now() - startedAt, 'the customer does not wait').to.be.lessThan(2_000)
        await world.database.write('ALTER TABLE away RENAME TO wa_link_clicks')
        await until('the click is noted', async () => (await clicksOf(world, id))?.count === 1)
        expect(await clickEventsOf(world, id)).to.have.length(1)
      }))
  })
}
