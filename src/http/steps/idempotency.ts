/** `Idempotency-Key`: the same request under the same key is done once, and answered the same. */

import { createHash, randomUUID } from 'node:crypto'
import type { Logger } from '../../core/observe/logger.ts'
import type { IdempotentRequests, Run } from '../../core/requests/idempotent-requests.ts'
import { HttpProblem } from '../problem.ts'
import type { RequestFacts } from '../route.ts'

export interface IdempotentRequest {
  readonly accountId: number
  /** Tells routes apart. */
  readonly path: string
  readonly headers: RequestFacts['headers']
  /** All that is asked. */
  readonly content: string | Buffer
}

/** What can be answered again. */
export interface RepeatableReply {
  readonly status: number
  readonly body: object
}

/** @param work is given what the messages of this request are told by, the same when it is taken up again */
export type Idempotently = (
  request: IdempotentRequest,
  work: (key: string) => Promise<RepeatableReply>,
) => Promise<RepeatableReply>

export interface IdempotencyDeps {
  readonly requests: Pick<IdempotentRequests, 'begin'>
  readonly log: Logger
}

const renewEveryMs = 20_000
const comeAgainSeconds = 2

export const createIdempotently =
  ({ requests, log }: IdempotencyDeps): Idempotently =>
  async (request, work) => {
    const given = keyOf(request)
    if (given === undefined) return work(`once:${randomUUID()}`)
    const key = hashOf([String(request.accountId), given])
    const requestHash = hashOf([request.path, request.content])
    const begun = await requests.begin(key, requestHash)
    switch (begun.state) {
      case 'begun':
        // Once the request is forgotten its key may be used for another one, which must not be taken for the first.
        return inRun(begun.run, () => work(`http:${hashOf([key, requestHash])}`), log)
      case 'answered':
        return again(begun.status, begun.answer)
      case 'running':
        throw new HttpProblem(409, 'a request with this Idempotency-Key is being worked on; ask again', {
          retryAfterSeconds: comeAgainSeconds,
        })
      case 'other_request':
        throw new HttpProblem(422, 'this Idempotency-Key was used for another request')
      case 'cleared':
        throw new HttpProblem(410, 'this was done before; the answer told of a person and was cleared since')
    }
  }

/** @throws {HttpProblem} 400 for a key that cannot be one */
function keyOf({ headers }: IdempotentRequest): string | undefined {
  const given = headers['idempotency-key']
  if (given === undefined) return undefined
  const key = String(given)
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new HttpProblem(400, 'an Idempotency-Key has 1 to 255 visible ASCII characters')
  return key
}

/** Lengths keep parts apart. */
function hashOf(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part)
  return hash.digest('base64url')
}

async function inRun(run: Run, work: () => Promise<RepeatableReply>, log: Logger): Promise<RepeatableReply> {
  const renew = () => void run.renew().catch((error) => log.warn({ err: error }, 'a request could not be held'))
  const timer = setInterval(renew, renewEveryMs)
  // What is not written now is worked out again under the same key, which changes nothing any more.
  const write = (answer: () => Promise<void>) =>
    answer().catch((error) => log.warn({ err: error }, 'the answer to a request could not be kept'))
  try {
    const reply = await work()
    await write(() => run.finish({ status: reply.status, answer: reply.body }))
    return reply
  } catch (error) {
    const isFinal = error instanceof HttpProblem && error.status < 500
    await write(isFinal ? () => run.finish({ status: error.status, answer: error.body }) : run.release)
    throw error
  } finally {
    clearInterval(timer)
  }
}

function again(status: number, answer: object): RepeatableReply {
  if (status < 400) return { status, body: answer }
  const { type: _, title: __, status: ___, detail, ...extra } = answer as Record<string, unknown>
  throw new HttpProblem(status, String(detail), extra)
}
