import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Moment } from '../../src/demo/moments.ts'
import { nextOf } from '../../src/demo/pacer.ts'
import { createScreen } from '../../src/demo/screen.ts'
import { exampleEventPath, writeScript } from '../../src/demo/script.ts'
import { type Played, shortfalls, summaryTable } from '../../src/demo/summary.ts'
import { createTerminal } from '../../src/demo/terminal.ts'
import { columnsOf, createPaint, wrap } from '../../src/demo/text.ts'
import { ask } from '../support/ask.ts'
import { until } from '../support/world.ts'

const playMs = 90_000
const esc = '\u001b'

interface Run {
  readonly child: ChildProcess
  readonly tmp: string
  output(): string
  /** Resolves with the exit code. */
  ended: Promise<number | null>
}

/** Starts the demo with a temporary folder of its own. */
function startDemo(args: readonly string[], imports: readonly string[] = []): Run {
  const tmp = mkdtempSync(join(tmpdir(), 'fdr-test-'))
  const child = spawn(
    process.execPath,
    [...['tsx', ...imports].flatMap((name) => ['--import', name]), 'src/demo/main.ts', ...args],
    {
      env: { ...process.env, TMPDIR: tmp },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += String(chunk)))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, tmp, output: () => text, ended }
}

const leftovers = ({ tmp }: Run): string[] => readdirSync(tmp).filter((name) => name.startsWith('fdr-demo-'))

describe('demo: a whole conversation with no account anywhere', function () {
  this.timeout(playMs)
  const runs: Run[] = []
  const start = (...args: Parameters<typeof startDemo>): Run => {
    const run = startDemo(...args)
    runs.push(run)
    return run
  }

  afterEach(async () => {
    for (const { child, ended, tmp } of runs.splice(0)) {
      child.kill('SIGKILL')
      await ended
      rmSync(tmp, { recursive: true, force: true })
    }
  })

  it('plays it through with --once and says that all was as expected', async () => {
    const run = start(['--once'])
    const code = await run.ended
    const lines = run.output().trimEnd().split('\n')
    expect(lines.at(-1), run.output()).to.equal('demo: ok')
    expect(code).to.equal(0)
    const text = lines.join('\n')
    expect(text).to.match(/\[ Select new delivery date \]\n.*\[ Reattempt \]\n.*\[ Report fake delivery \]/)
    expect(text).to.match(/Asha Nair taps\n +│ Select new delivery date/)
    expect(text).to.match(/read ✓✓ +#98079, first message/)
    expect(text).to.match(/"action": "reschedule", "deferredDate": "\d\d-\d\d-\d{4}"/)
    expect(text).to.match(/Select new delivery date +#98079, decision, \d\d-\d\d-\d{4}/)
    expect(text).to.match(/मेरा ऑर्डर रद्द करें/)
    expect(text).to.match(/activity events +12 +8/)
    expect(text).to.not.include(esc)
    expect(leftovers(run)).to.deep.equal([])
  })

  it('stays up, shows what its reader does with the commands it prints, and ends with Ctrl-C', async () => {
    const run = start([])
    await until('the invitation', () => run.output().includes('What the courier side knows'), playMs)
    const [, authorization = '', url = '', path = ''] =
      /-H 'authorization: ([^']+)' (\S+\/v1\/events) --data '@([^']+)'/.exec(run.output()) ?? []
    const { origin, pathname } = new URL(url)
    const answer = await ask(origin, 'POST', pathname, { headers: { authorization }, body: readFileSync(path) })
    expect(answer.status).to.equal(202)
    await until('the message', () => run.output().includes('as you requested to cancel this order'))
    const [, tapUrl = '', choice = ''] = await until(
      'the command that taps',
      () => /(\S+\/_sim\/tap) -d '([^']+)'.*# Cancel my order/.exec(run.output()) ?? undefined,
    )
    await fetch(tapUrl, { method: 'POST', body: choice })
    await until('the decision', () => /Cancel my order +#98079, decision/.test(run.output()))
    run.child.kill('SIGINT')
    expect(await run.ended).to.equal(0)
    expect(leftovers(run)).to.deep.equal([])
  })

  it('ends at once when it is interrupted', async () => {
    const run = start(['--once'])
    await until('the first scene', () => run.output().includes('1. Asha'), playMs)
    run.child.kill('SIGTERM')
    expect(await run.ended).to.equal(130)
    expect(leftovers(run)).to.deep.equal([])
  })

  it('says what is missing', async () => {
    const run = start(['--once'], [`data:text/javascript,process.env.TMPDIR='/nowhere'`])
    expect(await run.ended).to.equal(1)
    expect(run.output()).to.match(/temporary folder could not be made ready: ENOENT.*\n\ndemo: failed\n$/)
  })
})

describe('demo: script', () => {
  it('is made from the example event, which is the real one', () => {
    const real = new URL('../fixtures/fdr-event.json', import.meta.url)
    expect(readFileSync(exampleEventPath, 'utf8')).to.equal(readFileSync(real, 'utf8'))
  })

  it('leaves the status log of the example to the reader', () => {
    const used = writeScript().map(({ event }) => JSON.stringify(event))
    for (const event of used) expect(event).to.not.include('124953537')
  })
})

describe('demo: summary', () => {
  it('misses what did not happen, and shows it in the table', () => {
    const [scene] = writeScript()
    if (!scene) throw new Error('no scene')
    const timeline = { id: '1', followUps: [{}, {}], replies: [{}], actions: [{ state: 'pending' }], reports: 9 }
    const customer = '919810012345'
    const moments: Moment[] = [
      { kind: 'tap', customer, title: '23 November 2026' },
      { kind: 'ndr', customer, body: { action: 'reschedule', deferredDate: '24-11-2026' } },
      { kind: 'activity', customer, event: { eventSubType: 'failed', response_data: {} } },
    ]
    const played: Played = { scene, outcomes: ['queued', 'duplicate'], moments, timelines: [timeline] }
    const found = shortfalls([played])
    expect(found).to.include("Asha Nair: customer's replies: expected 2, found 1")
    expect(found).to.include('Asha Nair: decision: expected reschedule 23-11-2026, found reschedule 24-11-2026')
    expect(found).to.include('Asha Nair: NDR API says: expected taken, found pending')
    expect(found).to.include('Asha Nair: · read: expected 3, found 0')
    expect(found).to.include('Asha Nair: · failed: expected 0, found 1')
    expect(found.join()).to.not.include('first messages')
    expect(summaryTable([played], createPaint(false)).join('\n')).to.match(/· read +0 \(expected 3\)/)
  })
})

describe('demo: screen', () => {
  const width = 72
  const person = { name: 'Asha Nair', brand: 'Acme' }
  const draw = (moment: Moment, isColoured = false) =>
    createScreen({ width, paint: createPaint(isColoured) }).moment(moment, 1.25, person)
  const report = (eventSubType: string): Moment => ({
    kind: 'activity',
    customer: '919810012345',
    event: { eventSubType, response_data: { vendorOrderNumber: '#1', isRootMessage: 1 } },
  })

  it('draws a message as a bubble with its buttons, within the width', () => {
    const text = 'नमस्ते! आपका ऑर्डर डिलीवर नहीं हो सका, क्योंकि डिलीवरी के समय आप उपलब्ध नहीं थे। '.repeat(3)
    const lines = draw({ kind: 'message', customer: '919810012345', messageId: 'w', text, buttons: ['फिर से', 'No'] })
    expect(lines.slice(-4)).to.deep.equal(['    │', '    │ [ फिर से ]', '    │ [ No ]', ''])
    for (const line of lines) expect(columnsOf(line), line).to.be.at.most(width)
  })

  for (const [status, shown] of [
    ['sent', 'sent ✓ '],
    ['delivered', 'delivered ✓✓'],
    ['read', 'read ✓✓'],
  ] as const) {
    it(`marks ${status} as WhatsApp does`, () => expect(draw(report(status)).join()).to.include(shown))
  }

  it('sets read apart by its colour', () => {
    expect(draw(report('read'), true).join()).to.include(`${esc}[94mread ✓✓`)
    expect(draw(report('delivered'), true).join()).to.not.include(`${esc}[94m`)
  })

  it('gives a failure its reason', () => {
    const moment: Moment = {
      kind: 'activity',
      customer: '1',
      event: { eventSubType: 'failed', response_data: { failureReason: 'no such number' } },
    }
    expect(draw(moment).join()).to.include('no such number')
  })

  it('breaks the body of a call between its fields', () => {
    const body = { idempotencyKey: 'k'.repeat(22), action: 'reattempt', remarks: 'a b c', shipmentId: 1 }
    const lines = draw({ kind: 'ndr', customer: '1', body })
    for (const line of lines) expect(columnsOf(line)).to.be.at.most(width)
    expect(JSON.parse(lines.slice(1).join(''))).to.deep.equal(body)
  })
})

describe('demo: pace', () => {
  const message: Moment = { kind: 'message', customer: '91', messageId: 'w', text: '', buttons: [] }
  const tap: Moment = { kind: 'tap', customer: '91', title: '' }
  const event = (from: string): Moment => ({
    kind: 'activity',
    customer: '91',
    event: { eventSubType: 'any', response_data: { from } },
  })

  it('tells what happens at once in the order in which it follows from each other', () => {
    const at = 1_000
    const waiting = [message, event('business'), event('91'), tap].map((moment) => ({ moment, at }))
    const told: Moment[] = []
    for (let rest = waiting; rest.length > 0; ) {
      const next = nextOf(rest)
      if (next) told.push(next.moment)
      rest = rest.filter((one) => one !== next)
    }
    expect(told).to.deep.equal([tap, event('91'), message, event('business')])
  })

  it('never tells a later burst first', () => {
    const first = { moment: message, at: 1_000 }
    expect(nextOf([first, { moment: tap, at: 1_500 }])).to.equal(first)
  })
})

describe('demo: terminal', () => {
  const printed = (isTTY: boolean, environment: Record<string, string>) => {
    const output: string[] = []
    const terminal = createTerminal({ isTTY, write: (text) => output.push(text) }, environment)
    terminal.print(terminal.paint.red('a'), '', '', 'b')
    return output.join('')
  }

  it('is coloured for people who want it', () => expect(printed(true, {})).to.include(esc))
  it('has no colours with NO_COLOR', () => expect(printed(true, { NO_COLOR: '1' })).to.equal('a\n\nb\n'))
  it('has no colours in a pipe', () => expect(printed(false, {})).to.equal('a\n\nb\n'))
  it('keeps a word that is longer than a line', () =>
    expect(wrap('a bbbbbb cc', 4)).to.deep.equal(['a', 'bbbbbb', 'cc']))
})
