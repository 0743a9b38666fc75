/** Credentials as a row keeps them: JSON, each value sealed for its account, its connection and its field. */

import type { SecretBox } from './secret-box.ts'

/** The row that credentials belong to. */
export interface SealedFor {
  readonly account_id: number
  readonly webhook_key: string
}

interface SealedRow extends SealedFor {
  readonly credentials: string
}

type Credentials = Record<string, string>

/** A sealed value opens only in the account, row and field it was made for. */
const place = ({ account_id, webhook_key }: SealedFor, field: string) =>
  `account/${account_id}/connection/${webhook_key}/${field}`

/** Of values that were sealed before the account was a part of it; `npm run rotate-secrets` leaves none. */
const earlierPlace = ({ webhook_key }: SealedFor, field: string) => `connection/${webhook_key}/${field}`

export const sealCredentials = (row: SealedFor, credentials: Readonly<Credentials>, secrets: SecretBox): string =>
  JSON.stringify(mapValues(credentials, (value, field) => secrets.seal(value, place(row, field))))

/** @throws {Error} when the key that sealed them is not in the ring, or the row was tampered with */
export const openCredentials = (row: SealedRow, secrets: SecretBox): Credentials =>
  mapValues(sealedIn(row), (value, field) => {
    try {
      return secrets.open(value, place(row, field))
    } catch {
      return secrets.open(value, earlierPlace(row, field))
    }
  })

/** Is each value sealed with the key that seals now, and for its place? */
export const areCurrent = (row: SealedRow, secrets: SecretBox): boolean =>
  Object.entries(sealedIn(row)).every(
    ([field, value]) => secrets.isCurrent(value) && opensAt(row, field, value, secrets),
  )

function opensAt(row: SealedFor, field: string, value: string, secrets: SecretBox): boolean {
  try {
    secrets.open(value, place(row, field))
    return true
  } catch {
    return false
  }
}

const sealedIn = ({ credentials }: SealedRow) => JSON.parse(credentials) as Credentials

const mapValues = (values: Readonly<Credentials>, change: (value: string, name: string) => string): Credentials =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]))
