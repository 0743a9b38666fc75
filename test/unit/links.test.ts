import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadLinkRules } from '../../src/core/links/link-rules.ts'
import { linkTarget } from '../../src/core/links/link-target.ts'
import { HttpProblem } from '../../src/http/problem.ts'
import { createRateLimit } from '../../src/http/steps/rate-limit.ts'
import { configDir } from '../../src/paths.ts'

const portalUrl = 'https://portal.example.com'
const rules = loadLinkRules(configDir)

describe('target of a link', () => {
  it('is the tracking page, marked as coming from WhatsApp', () => {
    for (const portal of [portalUrl, `${portalUrl}/`]) {
      expect(linkTarget(portal, '1704612602165')).to.equal('https://portal.example.com/1704612602165?source=whatsapp')
    }
  })

  it('keeps the path of the portal', () => {
    expect(linkTarget('https://track.acme.example/p/', '1')).to.equal('https://track.acme.example/p/1?source=whatsapp')
  })

  it('a tracking number can leave neither page nor portal', () => {
    for (const trackingId of ['../../admin', '//evil.example', '?source=x#y', 'a b&c=d', 'अ']) {
      const target = new URL(linkTarget(portalUrl, trackingId))
      expect(target.origin).to.equal(portalUrl)
      expect(decodeURIComponent(target.pathname)).to.equal(`/${trackingId}`)
      expect(target.search).to.equal('?source=whatsapp')
    }
  })

  it('is the portal itself where there is no tracking number', () => {
    expect(linkTarget(portalUrl, undefined)).to.equal('https://portal.example.com/?source=whatsapp')
  })
})

const previews = [
  'WhatsApp/2.23.20.0 A',
  'WhatsApp/2.2587.9 W',
  'facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)',
  'facebookexternalhit/1.1 Facebot Twitterbot/1.0',
  'meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)',
  'TelegramBot (like TwitterBot)',
  'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)',
  'Slackbot 1.0 (+https://api.slack.com/robots)',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Google-PageRenderer Google (+https://developers.google.com/+/web/snippet/)',
  'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
  'Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)',
  'LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)',
]
const browsers = [
  'Mozilla/5.0 (Linux; Android 14; SM-A145F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 13; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0.0.0 Mobile Safari/537.36 WhatsApp/2.24',
  'Mozilla/5.0 (Linux; U; Android 12; en-in) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100 UCBrowser/13.4 Mobile Safari/537.36',
]

describe('what is a click', () => {
  const isPreview = (headers: Record<string, string>, method = 'GET') => rules.isPreview({ method, headers })

  for (const agent of previews) {
    it(`not ${agent.slice(0, 60)}`, () => expect(isPreview({ 'user-agent': agent })).to.equal(true))
  }
  for (const agent of browsers) {
    it(`${agent.slice(0, 60)}`, () => expect(isPreview({ 'user-agent': agent })).to.equal(false))
  }

  it('a browser that says nothing of itself', () => expect(isPreview({})).to.equal(false))

  it('no HEAD request', () => expect(isPreview({ 'user-agent': browsers[0] ?? '' }, 'HEAD')).to.equal(true))

  const ahead: [string, string][] = [
    ['purpose', 'prefetch'],
    ['purpose', 'preview'],
    ['sec-purpose', 'prefetch'],
    ['sec-purpose', 'prefetch;prerender'],
    ['sec-purpose', 'Prefetch;anonymous-client-ip'],
    ['x-purpose', 'preview'],
    ['x-moz', 'prefetch'],
  ]
  for (const [name, value] of ahead) {
    it(`no browser that fetches ahead: ${name}: ${value}`, () => {
      expect(isPreview({ 'user-agent': browsers[0] ?? '', [name]: value })).to.equal(true)
      expect(isPreview({ 'user-agent': browsers[0] ?? '', [name]: 'other' })).to.equal(false)
    })
  }
})

describe('rules of links', () => {
  it('say in the language that is asked for, else in English, where a link leads nowhere', () => {
    expect(rules.pageText('expired', 'hi-IN')).to.have.property('language', 'hi')
    for (const language of ['en', 'ta', '', '__proto__', 'constructor']) {
      expect(rules.pageText('unknown', language)).to.include({ language: 'en' })
    }
  })

  const mistakes: [label: string, change: (text: string) => string, problem: RegExp][] = [
    ['a lifetime of no days', (text) => text.replace('lifetimeDays: 30', 'lifetimeDays: 0'), /lifetimeDays/],
    ['a pattern that is none', (text) => text.replace('- TelegramBot', '- "Telegram(Bot"'), /Telegram\(Bot/],
    ['no English', (text) => text.replace(/^ {2}en:/m, '  fr:'), /pages/],
    ['an unknown field', (text) => `${text}\nlifetime: 3\n`, /lifetime/],
  ]
  for (const [label, change, problem] of mistakes) {
    it(`${label}: stops the start and is named`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'fdr-links-'))
      writeFileSync(join(folder, 'links.yaml'), change(readFileSync(join(configDir, 'links.yaml'), 'utf8')))
      try {
        expect(() => loadLinkRules(folder)).to.throw(problem)
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
  }
})

describe('rate limit of a route', () => {
  it('lets through so many in a second, and more when time has passed', () => {
    let nowMs = 0
    const limit = createRateLimit(3, () => nowMs)
    const passes = () => {
      try {
        limit()
        return true
      } catch (error) {
        expect(error).to.be.instanceOf(HttpProblem).with.property('status', 429)
        return false
      }
    }
    expect(Array.from({ length: 5 }, passes)).to.deep.equal([true, true, true, false, false])
    nowMs += 340
    expect([passes(), passes()]).to.deep.equal([true, false])
    nowMs += 60_000
    expect(Array.from({ length: 4 }, passes)).to.deep.equal([true, true, true, false])
  })

  it('without a bound lets everything through', () => {
    const limit = createRateLimit(undefined)
    for (let n = 0; n < 10_000; n++) limit()
  })
})
