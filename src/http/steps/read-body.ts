import type { IncomingMessage } from 'node:http'
import { HttpProblem } from '../problem.ts'

/**
 * Reads a request's bytes as they are.
 * @throws {HttpProblem} 413 when longer than `maxBytes`, 415 when compressed, 400 when the caller breaks off
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity')
    throw new HttpProblem(415, 'compressed bodies are not accepted')
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > maxBytes) reject(tooLarge(maxBytes))
      else chunks.push(chunk)
    })
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
    request.on('error', reject)
    request.on('aborted', () => reject(new HttpProblem(400, 'the request was broken off')))
  })
}

const tooLarge = (maxBytes: number) => new HttpProblem(413, `the body is longer than ${maxBytes} bytes`)
