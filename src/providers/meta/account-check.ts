/** The WhatsApp Business Account behind the connection: does the number belong to it, and does it call us? */

import type { ConnectionCheck, ProviderConnection } from '../../core/contract/provider.ts'
import { listOf, recordOf, textOf } from '../shared/read.ts'
import type { Asked } from './ask.ts'
import { bad, good, unanswered } from './findings.ts'

/** An account has at most some dozens of numbers. */
export const numbersPath = '/phone_numbers?fields=id&limit=200'

const compareIds = 'Compare both ids in WhatsApp Manager: Account tools, Phone numbers.'

export function accountChecks(asked: Asked, { credentials }: ProviderConnection): ConnectionCheck[] {
  const { wabaId = '', phoneNumberId = '' } = credentials
  if (!('body' in asked)) return [notRead(asked, wabaId)]
  const ids = listOf(asked.body, 'data').flatMap((number) => textOf(number, 'id') ?? [])
  return ids.includes(phoneNumberId)
    ? [good('business account', `The number belongs to the WhatsApp Business Account ${wabaId}.`)]
    : [
        bad(
          'business account',
          `The phone number id ${phoneNumberId} does not belong to the WhatsApp Business Account ${wabaId}.`,
          compareIds,
        ),
      ]
}

function notRead(asked: Exclude<Asked, { readonly body: unknown }>, wabaId: string): ConnectionCheck {
  if ('refused' in asked && asked.refused.vendorCode === '100/33')
    return bad(
      'business account',
      `Meta knows no WhatsApp Business Account ${wabaId}, or the access token may not see it.`,
      'Compare the account id, and assign the account to the system user with full control.',
    )
  return unanswered('business account', asked)
}

/**
 * Is the token's app among those that get webhooks of the account?
 * @param token what was answered about the token, which names its app
 */
export function subscriptionChecks(asked: Asked, token: Asked): ConnectionCheck[] {
  if (!('body' in asked)) return [unanswered('subscription', asked)]
  const apps = listOf(asked.body, 'data').flatMap(
    (app) => textOf(recordOf(app, 'whatsapp_business_api_data'), 'id') ?? [],
  )
  const own = 'body' in token ? textOf(recordOf(token.body, 'data'), 'app_id') : undefined
  const isSubscribed = own === undefined ? apps.length > 0 : apps.includes(own)
  if (isSubscribed) return [good('subscription', 'The account sends its webhooks to the app.')]
  const who = apps.length > 0 ? 'to another app only' : 'to no app'
  return [
    bad(
      'subscription',
      `The account sends its webhooks ${who}: neither reports nor replies arrive.`,
      'Subscribe the app: POST /v1/connections/{id}/subscribe of this API, or POST /<account id>/subscribed_apps at Meta.',
    ),
  ]
}

/** @param asked the answer to a call that carried a proof made with the secret */
export function appSecretChecks(asked: Asked, { credentials }: ProviderConnection): ConnectionCheck[] {
  const where = 'Copy it from the Meta app whose token this is: App settings, Basic, App secret.'
  if (!credentials.appSecret)
    return [bad('app secret', 'Without the app secret no report and no reply can be verified.', where)]
  if ('body' in asked) return [good('app secret', 'Meta accepts the app secret as that of the app of the token.')]
  const isWrong = 'refused' in asked && /appsecret_proof/i.test(asked.refused.detail ?? '')
  if (isWrong)
    return [bad('app secret', 'The app secret is not that of the app to which the access token belongs.', where)]
  return [good('app secret', 'An app secret is stored; whether it is right, the first webhook shows.')]
}
