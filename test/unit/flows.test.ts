import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { parse, stringify } from 'yaml'
import { loadFlows, ndrActions } from '../../src/core/conversations/flows.ts'
import { actions } from '../../src/core/notifications/reason.ts'
import { configDir } from '../../src/paths.ts'

/** Loosely typed on purpose: mistakes are written into it. */
interface Written {
  actions: Record<string, Record<string, unknown>>
  deliveryDates: Record<string, unknown>
  openDays: unknown
  [more: string]: unknown
}

const shipped = readFileSync(join(configDir, 'flows.yaml'), 'utf8')

describe('flows', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fdr-flows-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const loadText = (text: string) => {
    writeFileSync(join(folder, 'flows.yaml'), text)
    return loadFlows(folder)
  }
  const problemsOf = (change: (flows: Written) => void): string => {
    const flows = parse(shipped) as Written
    change(flows)
    try {
      loadText(stringify(flows))
      return 'none'
    } catch (error) {
      return (error as Error).message
    }
  }

  it('the shipped file names a flow for every action, and reaches every decision of the courier side', () => {
    const flows = loadFlows(configDir)
    expect(Object.keys(flows.actions)).to.have.members([...actions])
    const reached = Object.values(flows.actions).flatMap((flow) => ('ndr' in flow ? [flow.ndr] : []))
    expect(reached).to.have.members([...ndrActions])
    const activities = Object.values(flows.actions).map(({ activity }) => activity)
    expect(activities).to.have.members([
      'Update address',
      'Add alternate number',
      'Select new delivery date',
      'Reattempt',
      'Report fake delivery',
      'Cancel my order',
    ])
  })

  const mistakes: [label: string, names: string, change: (flows: Written) => void][] = [
    ['an action that is missing', 'actions.cancel', ({ actions: all }) => delete all.cancel],
    ['an action that does not exist', 'refund', ({ actions: all }) => Object.assign(all, { refund: all.cancel })],
    [
      'a decision that the courier side does not know',
      'actions.cancel.ndr',
      ({ actions: all }) => Object.assign(all.cancel ?? {}, { ndr: 'refund' }),
    ],
    [
      'a text that does not exist',
      'actions.cancel.answer',
      ({ actions: all }) => Object.assign(all.cancel ?? {}, { answer: 'bye' }),
    ],
    ['a decision without an answer', 'actions.cancel.answer', ({ actions: all }) => delete all.cancel?.answer],
    [
      'a question that is missing',
      'actions.reschedule.question',
      ({ actions: all }) => delete all.reschedule?.question,
    ],
    [
      'a link that does not exist',
      'actions.update_address.link',
      ({ actions: all }) => Object.assign(all.update_address ?? {}, { link: 'x' }),
    ],
    [
      'a field that is not known',
      'actions.cancel',
      ({ actions: all }) => Object.assign(all.cancel ?? {}, { anwser: 'cancel_thanks' }),
    ],
    [
      'an activity without a name',
      'actions.cancel.activity',
      ({ actions: all }) => Object.assign(all.cancel ?? {}, { activity: '' }),
    ],
    [
      'more dates than buttons',
      'deliveryDates.count',
      ({ deliveryDates }) => Object.assign(deliveryDates, { count: 4 }),
    ],
    ['no dates', 'deliveryDates.count', ({ deliveryDates }) => Object.assign(deliveryDates, { count: 0 })],
    [
      'delivery on the same day, which could not be taken',
      'deliveryDates.leadDays',
      ({ deliveryDates }) => Object.assign(deliveryDates, { leadDays: 0 }),
    ],
    [
      'a week that is off',
      'deliveryDates.weekdaysOff',
      ({ deliveryDates }) => Object.assign(deliveryDates, { weekdaysOff: [1, 2, 3, 4, 5, 6, 7] }),
    ],
    [
      'a day of the week that does not exist',
      'deliveryDates.weekdaysOff.0',
      ({ deliveryDates }) => Object.assign(deliveryDates, { weekdaysOff: [0] }),
    ],
    [
      'a holiday in another form',
      'deliveryDates.holidays.0',
      ({ deliveryDates }) => Object.assign(deliveryDates, { holidays: ['15-08-2026'] }),
    ],
    ['no days to answer', 'openDays', (flows) => Object.assign(flows, { openDays: 0 })],
    ['a part that is not known', 'quietHours', (flows) => Object.assign(flows, { quietHours: {} })],
  ]
  for (const [label, names, change] of mistakes) {
    it(`names ${label}`, () => expect(problemsOf(change)).to.contain('cannot be used').and.to.contain(names))
  }

  it('names all mistakes at once', () => {
    const problems = problemsOf((flows) => {
      for (const [, , change] of mistakes.slice(2, 6)) change(flows)
      flows.openDays = 'seven'
    })
    for (const name of ['actions.cancel.ndr', 'actions.reschedule.question', 'openDays'])
      expect(problems).to.contain(name)
  })

  it('names the file when it is no YAML or is not there', () => {
    expect(() => loadText('actions: [')).to.throw(join(folder, 'flows.yaml'))
    expect(() => loadText('')).to.throw(join(folder, 'flows.yaml'))
    expect(() => loadFlows(join(folder, 'nowhere'))).to.throw('flows.yaml')
  })
})
