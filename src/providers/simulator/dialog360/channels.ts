/** The numbers that 360dialog hosts: each has a key, a callback URL of its own, and nothing that is signed. */

import { randomUUID } from 'node:crypto'
import type { Account } from '../inputs.ts'
import type { State } from '../state.ts'
import { type ChannelInput, channelInput } from './inputs.ts'

interface Channel {
  readonly phoneNumberId: string
  webhookHeaders: Readonly<Record<string, string>>
}

export interface Channels {
  /** @throws {ZodError} when the input has a wrong or unknown field */
  add(input: ChannelInput): Account
  /** The number behind a key; undefined for a wrong key. */
  accountOf(apiKey: string): Account | undefined
  /** What is sent along with the webhooks of a number; undefined when another host has it. */
  headersOf(account: Account): Readonly<Record<string, string>> | undefined
  setHeaders(account: Account, headers: Readonly<Record<string, string>>): void
}

export function createChannels(state: State): Channels {
  const byKey = new Map<string, Channel>()
  const channelOf = ({ phoneNumberId }: Account) =>
    [...byKey.values()].find((channel) => channel.phoneNumberId === phoneNumberId)
  return {
    add(input) {
      const { apiKey, webhookHeaders, ...account } = channelInput.parse(input)
      byKey.set(apiKey, { phoneNumberId: account.phoneNumberId, webhookHeaders })
      // Meta's token and secret are 360dialog's; nobody else is told them.
      return state.putAccount({ ...account, accessToken: randomUUID(), appSecret: randomUUID() })
    },
    accountOf: (apiKey) => state.account(byKey.get(apiKey)?.phoneNumberId ?? ''),
    headersOf: (account) => channelOf(account)?.webhookHeaders,
    setHeaders(account, headers) {
      const channel = channelOf(account)
      if (channel) channel.webhookHeaders = headers
    },
  }
}
