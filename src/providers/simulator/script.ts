/** The scripted lies: which rule meets a request. */

import { digitsOf } from '../../core/contract/address.ts'
import { type Rule, ruleInput } from './inputs.ts'

/** What is known of a request before it is checked. */
export interface Asked {
  /** Digits, or empty when the body names nobody. */
  readonly waId: string
  readonly phoneNumberId: string
  readonly template: string
}

export interface Script {
  /** @throws {ZodError} when the rule has a wrong or unknown field */
  add(rule: Rule): void
  list(): Rule[]
  clear(): void
  /** The first rule that meets the request; a rule with `next` is used up by it. */
  pick(asked: Asked): Rule | undefined
}

export function createScript(random: () => number): Script {
  let rules: { rule: Rule; waId: string | undefined; left: number }[] = []

  const meets = ({ rule, waId, left }: (typeof rules)[number], asked: Asked): boolean =>
    left > 0 &&
    (waId === undefined || waId === asked.waId) &&
    (rule.phoneNumberId === undefined || rule.phoneNumberId === asked.phoneNumberId) &&
    (rule.template === undefined || rule.template === asked.template) &&
    (rule.probability === undefined || random() < rule.probability)

  return {
    add(input) {
      const rule = ruleInput.parse(input)
      const waId = rule.phone === undefined || rule.phone === '*' ? undefined : digitsOf(rule.phone)
      rules.push({ rule, waId, left: rule.next ?? Number.POSITIVE_INFINITY })
    },
    list: () => rules.filter(({ left }) => left > 0).map(({ rule }) => rule),
    clear() {
      rules = []
    },
    pick(asked) {
      const found = rules.find((entry) => meets(entry, asked))
      if (found) found.left--
      return found?.rule
    },
  }
}
