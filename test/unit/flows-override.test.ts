import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { settingsSchema } from '../../src/core/accounts/settings-schema.ts'
import { type FlowsOverride, flowsOverrideSchema, loadFlows } from '../../src/core/conversations/flows.ts'
import {
  createFlowsFor,
  joinOverrides,
  problemsWith,
  withOverride,
} from '../../src/core/conversations/flows-override.ts'
import { configDir } from '../../src/paths.ts'

const base = loadFlows(configDir)

function flowsWith(override: FlowsOverride) {
  const result = withOverride(base, flowsOverrideSchema.parse(override))
  if ('problems' in result) throw new Error(JSON.stringify(result.problems))
  return result.flows
}

describe("an account's own flows", () => {
  it('are those of the installation where it says nothing', () => {
    expect(flowsWith({})).to.deep.equal(base)
  })

  it('change what they name, and nothing else', () => {
    const flows = flowsWith({
      openDays: 3,
      changeUntilPushed: true,
      actions: { cancel: { answer: 'already_noted' } },
      deliveryDates: { count: 2, couriers: { Delhivery: { maxDays: 4 } } },
    })
    expect(flows).to.deep.equal({
      ...base,
      openDays: 3,
      changeUntilPushed: true,
      actions: { ...base.actions, cancel: { ...base.actions.cancel, answer: 'already_noted' } },
      deliveryDates: { ...base.deliveryDates, count: 2, couriers: { Delhivery: { maxDays: 4 } } },
    })
  })

  it('may let an action do something else, without what belonged to the old way', () => {
    const { actions } = flowsWith({ actions: { cancel: { does: 'link', link: 'update_address' } } })
    expect(actions.cancel).to.deep.equal({ does: 'link', activity: 'Cancel my order', link: 'update_address' })
  })

  it('add holidays to the general ones, and channels theirs to the account', () => {
    const general = { ...base, deliveryDates: { ...base.deliveryDates, holidays: ['2026-08-15'] } }
    const joined = joinOverrides(
      { deliveryDates: { holidays: ['2026-10-02'], count: 2 } },
      { deliveryDates: { holidays: ['2026-11-08'] } },
    )
    const result = withOverride(general, joined)
    expect('flows' in result && result.flows.deliveryDates).to.deep.include({
      count: 2,
      holidays: ['2026-08-15', '2026-10-02', '2026-11-08'],
    })
  })

  it("join with the channel's word above the account's", () => {
    const joined = joinOverrides(
      {
        openDays: 3,
        humanPauseMinutes: 5,
        actions: { cancel: { answer: 'already_noted' }, reattempt: { ndr: 'reschedule' } },
        texts: { cancel_thanks: { en: 'Bye', hi: 'अलविदा' } },
      },
      {
        openDays: 9,
        actions: { cancel: { does: 'link', link: 'update_address' } },
        texts: { cancel_thanks: { en: 'Ciao' } },
      },
    )
    expect(joined).to.deep.include({ openDays: 9, humanPauseMinutes: 5 })
    expect(joined.actions).to.deep.equal({
      cancel: { does: 'link', link: 'update_address' },
      reattempt: { ndr: 'reschedule' },
    })
    expect(joined.texts).to.deep.equal({ cancel_thanks: { en: 'Ciao', hi: 'अलविदा' } })
  })

  const mistakes: [label: string, path: string, override: FlowsOverride][] = [
    [
      'an action without what it needs',
      'actions.cancel.question',
      { actions: { cancel: { does: 'ask_delivery_date', ndr: 'cancel', again: 'too_late', answer: 'cancel_thanks' } } },
    ],
    ['a part that the action has no use for', 'actions.cancel', { actions: { cancel: { link: 'update_address' } } }],
    ['a limit before the first day', 'deliveryDates.maxDays', { deliveryDates: { leadDays: 5, maxDays: 4 } }],
    [
      'a date in the template of an answer without one',
      'actions.cancel.outsideWindow.values.0',
      { actions: { cancel: { outsideWindow: { name: 'x', values: ['date'] } } } },
    ],
    [
      'words without the date that they must name',
      'texts.reschedule_thanks.en',
      { texts: { reschedule_thanks: { en: 'See you.' } } },
    ],
    [
      'words with a value that there is not',
      'texts.cancel_thanks.hi',
      { texts: { cancel_thanks: { hi: '{{name}}, bye' } } },
    ],
    ['words with half a placeholder', 'texts.cancel_thanks.en', { texts: { cancel_thanks: { en: 'bye {{' } } }],
  ]
  for (const [label, path, override] of mistakes) {
    it(`name ${label}`, () => {
      const problems = problemsWith(base, flowsOverrideSchema.parse(override))
      expect(problems.map((problem) => problem.path)).to.deep.equal([path])
      expect(problems[0]?.message).to.be.a('string').that.is.not.empty
    })
  }

  it('cannot rename activity events or touch what ends a shipment', () => {
    for (const wrong of [
      { actions: { cancel: { activity: 'Bye' } } },
      { closing: { delivered: 'too_late' } },
      { texts: { no_such: { en: 'x' } } },
    ]) {
      expect(flowsOverrideSchema.safeParse(wrong).success, JSON.stringify(wrong)).to.equal(false)
    }
  })

  it('may look like the example in the documentation', () => {
    const [, example = ''] = /```json\n([\s\S]+?)```/.exec(readFileSync('docs/conversations.md', 'utf8')) ?? []
    const { flows } = settingsSchema.parse(JSON.parse(example))
    expect(problemsWith(base, flows ?? {})).to.be.empty
    expect(Object.keys(flows ?? {})).to.include.members(['actions', 'deliveryDates', 'texts'])
  })

  it('are worked out once, and left out when they do not fit any more', () => {
    const flowsFor = createFlowsFor(base)
    expect(flowsFor(undefined)).to.equal(base)
    const fitting = { openDays: 2 }
    expect(flowsFor(fitting).openDays).to.equal(2)
    expect(flowsFor(fitting)).to.equal(flowsFor(fitting))
    expect(flowsFor({ actions: { cancel: { link: 'update_address' } } })).to.equal(base)
  })
})
