/** Webhooks that are not from the provider: every way in which somebody may have got hold of a part of the truth. */

import { randomBytes } from 'node:crypto'
import type { ProviderDefinition } from '../../src/core/contract/provider.ts'
import type { ProviderSamples } from '../contract/samples/provider-samples.ts'

/** A connection with the path of its webhook, and the text of a webhook about it. */
export interface Target {
  readonly id: string
  readonly path: string
  readonly credentials: Readonly<Record<string, string>>
  /** Of its handshake; null where there is none. */
  readonly verifyToken: string | null
  readonly text: string
}

/** Connections of one provider. All but `other` have the secrets of the samples. */
export interface Targets {
  readonly samples: ProviderSamples
  readonly own: Target
  /** Another client's, with other secrets. */
  readonly other: Target
  readonly paused: Target
  readonly deleted: Target
}

export interface Forgery {
  readonly kind: string
  /** How it must be answered. */
  readonly status: 401 | 404 | 413
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: Buffer
}

type Kind = readonly [
  kind: string,
  status: Forgery['status'],
  changes: Partial<Pick<Forgery, 'path' | 'headers' | 'body'>>,
]

/** What a request consists of before anything is wrong with it. */
interface Genuine extends Targets {
  readonly body: Buffer
  readonly headers: Record<string, string>
  readonly round: number
}

/** @param round makes each body another one */
export function forgeries(
  { id, capabilities }: ProviderDefinition,
  targets: Targets,
  foreign: readonly Target[],
  round: number,
): Forgery[] {
  const body = Buffer.from(targets.own.text + ' '.repeat(round))
  const genuine = { ...targets, round, body, headers: proofOf(targets, body, targets.own) }
  const kinds = [
    ...wrongUrls(id, genuine, foreign),
    ...(Object.keys(genuine.headers).length > 0 ? wrongProofs(genuine) : []),
    ...(targets.samples.sign ? wrongSignatures(genuine, capabilities.webhookProof === 'signature' ? id : '') : []),
    ...(targets.samples.webhookHeaders ? wrongHeaders(genuine) : []),
    ...(round === 0 ? ([['a huge body', 413, { body: Buffer.alloc(5 * 1024 * 1024, ' ') }]] as const) : []),
  ]
  return kinds.map(([kind, status, changes]) => ({
    kind,
    status,
    path: targets.own.path,
    body,
    ...changes,
    headers: { 'content-type': 'application/json', ...(changes.headers ?? genuine.headers) },
  }))
}

function proofOf({ samples }: Targets, body: Buffer, { credentials }: Target): Record<string, string> {
  const secret = credentials[samples.secretFields[0] ?? ''] ?? ''
  return { ...(samples.sign?.(body, secret) ?? samples.webhookHeaders) } as Record<string, string>
}

/** One for all rounds: the first look at any key goes to the database, whether there is such a key or not. */
const unknownKey = randomBytes(24).toString('base64url')

/** Everything is right but where it goes. */
function wrongUrls(provider: string, { own, deleted }: Genuine, foreign: readonly Target[]): Kind[] {
  const base = `/webhooks/${provider}`
  const key = own.path.slice(base.length + 1)
  const swapped = [...key].map((letter) =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
  )
  return [
    ['an unknown key', 404, { path: `${base}/${unknownKey}` }],
    ['a key cut short', 404, { path: `${base}/${key.slice(0, -1)}` }],
    ['a key with one more', 404, { path: `${base}/${key}A` }],
    ['a key in the other case', 404, { path: `${base}/${swapped.join('')}` }],
    ['a key that is none', 404, { path: `${base}/%27%20OR%201=1` }],
    ['a URL below the key', 404, { path: `${own.path}/nothing` }],
    ["a deleted connection's URL", 404, { path: deleted.path }],
    ...foreign.flatMap(({ path }): Kind[] => [
      ['the key of another provider', 404, { path: `${base}/${path.split('/').at(-1)}` }],
      ["this key at another provider's URL", 404, { path: path.replace(/[^/]+$/, key) }],
    ]),
  ]
}

/** The header that proves the origin is not as it should be. */
function wrongProofs({ headers, other, paused }: Genuine): Kind[] {
  const [[name, value] = ['', '']] = Object.entries(headers)
  const changed = value.slice(0, -2) + (value.endsWith('00') ? '11' : '00')
  return [
    ['no proof', 401, { headers: {} }],
    ['an empty proof', 401, { headers: { [name]: '' } }],
    ['a proof cut short', 401, { headers: { [name]: value.slice(0, -1) } }],
    ['a proof with one more', 401, { headers: { [name]: `${value}0` } }],
    ['a changed proof', 401, { headers: { [name]: changed } }],
    ['a proof in the other case', 401, { headers: { [name]: value.toUpperCase() } }],
    ['a proof without its scheme', 401, { headers: { [name]: value.replace(/^\w+[= ]/, '') } }],
    ['the scheme alone', 401, { headers: { [name]: value.replace(/(?<=^\w+[= ]).*/, '') } }],
    ['a proof in another header', 401, { headers: { 'x-signature': value } }],
    ['another content type', 401, { headers: { 'content-type': 'text/plain', [name]: changed } }],
    ["a replay at another client's URL", 401, { path: other.path }],
    ['a paused connection', 401, { path: paused.path, headers: { [name]: changed } }],
  ]
}

/** Signed, with something else or over something else. */
function wrongSignatures({ samples, body, own, other, headers, round }: Genuine, platform: string): Kind[] {
  const signed = (bytes: Buffer, secret: string | undefined) =>
    samples.sign?.(bytes, secret ?? '') as Record<string, string>
  const [secret, previous] = samples.secretFields.map((field) => own.credentials[field])
  const aboutOther = Buffer.from(other.text)
  const elsewhere = Buffer.concat([body, Buffer.from('\n')])
  const [[name, value] = ['', '']] = Object.entries(headers)
  const digest = value.replace(/^.*=/, '')
  const spaced = Buffer.from(body.toString('utf8').replace('{', '{ '))
  const keys = { ...own.credentials, 'verify token': own.verifyToken ?? '' }
  const noSecrets = Object.entries(keys).filter(([field]) => !samples.secretFields.includes(field))
  return [
    ...noSecrets.map(([field, key]): Kind => [`the ${field} as the secret`, 401, { headers: signed(body, key) }]),
    ['the signature of nothing', 401, { headers: signed(Buffer.alloc(0), secret) }],
    ['JSON that was written anew', 401, { body: spaced, headers: signed(body, secret) }],
    ['the name of another algorithm', 401, { headers: { [name]: `sha512=${digest}` } }],
    ['a signature that is not hexadecimal', 401, { headers: { [name]: value.replace(digest, 'zz'.repeat(32)) } }],
    ['a signature of the start only', 401, { headers: { [name]: value.slice(0, -(1 + (round % 64))) } }],
    ['one digit changed', 401, { headers: { [name]: value.replace(digest, withOneChanged(digest, round)) } }],
    ["another app's secret", 401, { headers: signed(body, other.credentials[samples.secretFields[0] ?? '']) }],
    ['the previous secret after it was replaced', 401, { headers: signed(body, previous) }],
    ['the signature of another body', 401, { headers: signed(elsewhere, secret) }],
    ['a body changed after it was signed', 401, { body: elsewhere }],
    ['an empty body', 401, { body: Buffer.alloc(0) }],
    ["an empty secret's signature", 401, { headers: signed(body, '') }],
    ['a signature of the older kind', 401, { headers: { 'x-hub-signature': `sha1=${digest.slice(0, 40)}` } }],
    [
      'the number of another client, signed with its own secret',
      401,
      { path: other.path, body: aboutOther, headers: signed(aboutOther, secret) },
    ],
    ...(platform ? ([["the platform's URL", 401, { path: `/webhooks/${platform}` }]] as const) : []),
  ]
}

function withOneChanged(digest: string, round: number): string {
  const at = round % digest.length
  return digest.slice(0, at) + (digest[at] === '0' ? '1' : '0') + digest.slice(at + 1)
}

/** What the provider was told to send along is something else. */
function wrongHeaders({ headers }: Genuine): Kind[] {
  const [[name, value] = ['', '']] = Object.entries(headers)
  const basic = (text: string) => ({ headers: { [name]: `Basic ${Buffer.from(text).toString('base64')}` } })
  return [
    ['another user and password', 401, basic('gateway:guessed-password')],
    ['a user and password of nobody', 401, basic(':')],
    ['another scheme', 401, { headers: { [name]: value.replace(/^\w+/, 'Bearer') } }],
  ]
}
