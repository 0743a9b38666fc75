/** Commands to paste into another terminal while the demo stays up. Pure. */

import type { Paint } from './text.ts'

export interface Addresses {
  readonly gateway: string
  readonly simulator: string
  readonly adminKey: string
  /** Path of the example event. */
  readonly eventPath: string
  /** The customer of the example event, E.164. */
  readonly phone: string
  /** Our id of that customer's first message. */
  readonly messageId: string
}

/** Each command below a line that says what for. */
export function tryIt(addresses: Addresses, paint: Paint): string[] {
  const { gateway, simulator, adminKey, eventPath, messageId, phone } = addresses
  const key = `-H 'authorization: Bearer ${adminKey}'`
  const words = JSON.stringify({ phone, text: 'Where is my parcel?' })
  const commands: readonly (readonly [purpose: string, command: string])[] = [
    [
      'Another failed delivery: the event as it is in the repository, OTP-based cancellation',
      `curl -s ${key} ${gateway}/v1/events --data '@${eventPath}'`,
    ],
    ['The messages', `curl -s ${key} ${gateway}/v1/messages`],
    ['The whole timeline of the first one', `curl -s ${key} ${gateway}/v1/messages/${messageId}`],
    ['Activity events: those so far, then live', `curl -sN ${key} ${gateway}/v1/activity/stream`],
    ['Write to the gateway as the customer', `curl -s ${simulator}/_sim/say -d '${words}'`],
    ['Let the NDR API be down for the next two calls', `curl -s ${simulator}/_sim/ndr -d '{"mode":"down","next":2}'`],
    ['What the courier side knows', `curl -s ${simulator}/_sim/ndr`],
  ]
  return commands.flatMap(([purpose, command]) => ['', `  ${paint.dim(`# ${purpose}`)}`, `  ${command}`])
}

/** How to tap the buttons of a message. */
export function tapCommands(
  simulator: string,
  { messageId, buttons }: { readonly messageId: string; readonly buttons: readonly string[] },
  paint: Paint,
): string[] {
  return buttons.map((title, index) => {
    const choice = JSON.stringify({ messageId, index })
    return `  curl -s ${simulator}/_sim/tap -d '${choice}'  ${paint.dim(`# ${title}`)}`
  })
}
