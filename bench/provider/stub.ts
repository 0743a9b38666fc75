/**
 * A provider that costs next to nothing: answers every send as Meta does, over plain sockets, and remembers what it
 * took. Whatever else it is asked for is not there. PROVIDER_DELAY_MS holds its answers. `GET /taken` gives what was
 * taken since it was last asked.
 */

import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { announceReady } from '../programs.ts'

const delayMs = Number(process.env.PROVIDER_DELAY_MS ?? 0)
const headEnd = Buffer.from('\r\n\r\n')
let taken: string[] = []
let count = 0

const between = (text: string, start: string): string => {
  const from = text.indexOf(start)
  return from < 0 ? '' : text.slice(from + start.length, text.indexOf('"', from + start.length))
}

const answerText = (body: string, status = '200 OK'): string =>
  `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** `POST /v24.0/<phone number id>/messages`, whatever the version. */
const numberIn = (head: string): string => head.split('/', 3)[2] ?? ''

function accept(head: string, body: string): string {
  const messageId = `wamid.BENCH${process.pid}.${count++}`
  const to = between(body, '"to":"')
  // The clock of the machine, not of the process: others compare it with theirs.
  const atMs = Number(process.hrtime.bigint()) / 1e6
  const reference = between(body, '"biz_opaque_callback_data":"')
  taken.push(JSON.stringify({ messageId, reference, to, phoneNumberId: numberIn(head), atMs }))
  const contact = `{"input":"${to}","wa_id":"${to.slice(1)}"}`
  return `{"messaging_product":"whatsapp","contacts":[${contact}],"messages":[{"id":"${messageId}","message_status":"accepted"}]}`
}

function takenSoFar(): string {
  const body = `[${taken.join(',')}]`
  taken = []
  return body
}

/** The gateway asks for other things as well, like its templates a minute after a connection was entered. */
const isMessage = (head: string) => /^POST \S+\/messages /.test(head)

function answer(socket: Socket, head: string, body: string): void {
  if (head.startsWith('GET /taken')) return void socket.write(answerText(takenSoFar()))
  const text = isMessage(head) ? answerText(accept(head, body)) : answerText('{}', '404 Not Found')
  if (delayMs === 0) socket.write(text)
  else setTimeout(() => socket.write(text), delayMs)
}

/** Length of head and body of the first request in `bytes`, or undefined while it is not whole. */
function firstRequest(bytes: Buffer): { headLength: number; length: number; head: string } | undefined {
  const end = bytes.indexOf(headEnd)
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const headLength = end + headEnd.length
  const length = headLength + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  return bytes.length < length ? undefined : { headLength, length, head }
}

const server = createServer((socket) => {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  let waiting: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk])
    for (let found = firstRequest(waiting); found; found = firstRequest(waiting)) {
      answer(socket, found.head, waiting.toString('utf8', found.headLength, found.length))
      waiting = waiting.subarray(found.length)
    }
  })
})

process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => announceReady((server.address() as AddressInfo).port))
