/**
 * What `GET /health_status` says of the number behind a key.
 * https://docs.360dialog.com/partner/api-reference/messaging-health-status
 */

import type { ConnectionCheck, ProviderConnection } from '../../core/contract/provider.ts'
import { listOf, recordOf, textOf } from '../shared/read.ts'

/** Is the key that of the number and the account given, and may they send? */
export function healthChecks(answer: unknown, { credentials }: ProviderConnection): ConnectionCheck[] {
  const entities = listOf(recordOf(answer, 'health_status'), 'entities')
  const idOf = (type: string) => textOf(entityOf(entities, type), 'id')
  const account = credentials.wabaId ? [sameId('account', 'wabaId', credentials.wabaId, idOf('WABA'))] : []
  const number = sameId('phone number', 'phoneNumberId', credentials.phoneNumberId ?? '', idOf('PHONE_NUMBER'))
  return [number.ok ? { ...number, provesNumber: true } : number, ...account, messagingCheck(answer, entities)]
}

const entityOf = (entities: readonly unknown[], type: string): unknown =>
  entities.find((entity) => textOf(entity, 'entity_type') === type)

/** Webhooks name this id: with another one, none of them would be taken. */
function sameId(name: string, field: string, given: string, found: string | undefined): ConnectionCheck {
  if (found === given) return { name, ok: true, detail: `The key belongs to ${field} ${given}.` }
  const detail = found
    ? `The key belongs to ${field} ${found}, not ${given}.`
    : `360dialog does not say which ${field} the key belongs to.`
  return { name, ok: false, detail, fix: found ? `Enter ${found}, or the key of ${given}.` : askSupport }
}

const askSupport = "Check again later; if it stays, ask 360dialog's support."

/** `LIMITED` sends as well, so it is told and no fault. */
function messagingCheck(answer: unknown, entities: readonly unknown[]): ConnectionCheck {
  const said = textOf(recordOf(answer, 'health_status'), 'can_send_message') ?? 'not told'
  const detail = [`Sending is ${said}.`, ...entities.flatMap(reasonsOf)].join(' ')
  if (said === 'AVAILABLE' || said === 'LIMITED') return { name: 'sending', ok: true, detail }
  return { name: 'sending', ok: false, detail, fix: fixOf(entities) ?? askSupport }
}

function reasonsOf(entity: unknown): string[] {
  const errors = listOf(entity, 'errors').flatMap((error) => textOf(error, 'error_description') ?? [])
  const more = listOf(entity, 'additional_info').filter((info) => typeof info === 'string')
  return [...errors, ...more]
}

const fixOf = (entities: readonly unknown[]): string | undefined =>
  entities
    .flatMap((entity) => listOf(entity, 'errors'))
    .flatMap((error) => textOf(error, 'possible_solution') ?? [])
    .join(' ') || undefined
