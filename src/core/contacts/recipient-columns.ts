import type { Address } from '../contract/address.ts'
import { phoneSpellings } from './canonical-phone.ts'

/** Columns of outgoing messages, each with a value, by which what is sent to somebody is found. */
export const recipientColumns = ({ phone, userId }: Address): [column: string, value: string][] => [
  ...(phone ? phoneSpellings(phone).map((spelling): [string, string] => ['customer_phone', spelling]) : []),
  ...(userId ? [['customer_user_id', userId] as [string, string]] : []),
]
