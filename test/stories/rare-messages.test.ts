import { expect } from 'chai'
import { maxExamined } from '../../src/core/timeline/messages.ts'
import { printFigures } from '../support/figures.ts'
import { scaled } from '../support/scale.ts'
import { aFirstMessage, aSilentMessage, settle, sharedWorld, storages } from '../support/stories.ts'
import type { World } from '../support/world.ts'

/** Messages of one account, all of them read. */
const crowd = scaled(25_000, 200_000)
const perStatement = 5_000
const accountId = 379

interface Page {
  readonly items: readonly { readonly id: string; readonly status: string }[]
  readonly next: string | null
}

const digits = (name: string) =>
  `(${[...'0123456789'].map((digit) => `SELECT ${digit} AS n`).join(' UNION ALL ')}) ${name}`
const numbers = `SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n AS i FROM ${['a', 'b', 'c', 'd'].map(digits).join(', ')}`

/** Copies of a message: the same but for what must be its own. */
async function copyMany({ database }: World, id: string): Promise<void> {
  const [row = {}] = await database.select(`SELECT * FROM wa_outgoing_messages WHERE id = ${id}`)
  const own = ['id', 'reference', 'idempotency_key', 'message_id']
  const columns = Object.keys(row).filter((column) => !own.includes(column))
  const text = (prefix: string, from: number) =>
    database.dialect === 'mysql' ? `CONCAT('${prefix}', ${from} + i)` : `'${prefix}' || (${from} + i)`
  for (let from = 0; from < crowd; from += perStatement)
    await database.write(
      `INSERT INTO wa_outgoing_messages (${columns.join(', ')}, reference, idempotency_key)
       SELECT ${columns.join(', ')}, ${text('crowd', from)}, ${text('crowd', from)}
       FROM wa_outgoing_messages JOIN (${numbers}) numbers ON i < ${perStatement} WHERE id = ${id}`,
    )
}

for (const storage of storages) {
  describe(`messages of a rare status among ${crowd} others, on ${storage}`, function () {
    this.timeout(300_000)
    const world = sharedWorld({ storage })
    let rare: string

    before(async () => {
      rare = (await aSilentMessage(world())).id
      const { id } = await aFirstMessage(world())
      await settle(world())
      await copyMany(world(), id)
    })

    const pagesOf = async (query: string) => {
      const pages: Page[] = []
      const spans: number[] = []
      let next: string | null = ''
      while (next !== null) {
        const startedAt = performance.now()
        const cursor: string = next && `&cursor=${next}`
        const { body } = await world().call<Page>('GET', `/v1/messages?${query}${cursor}`)
        spans.push(performance.now() - startedAt)
        pages.push(body)
        next = body.next
      }
      printFigures({ [`ms for the slowest of ${pages.length} pages of ${query}`]: Math.max(...spans) })
      return pages
    }

    for (const query of [`accountId=${accountId}&status=accepted`, 'status=accepted', 'status=accepted&kind=fdr'])
      it(`are found page by page, each of which looks at so many at most: ${query}`, async () => {
        const pages = await pagesOf(query)
        expect(pages.flatMap(({ items }) => items.map(({ id }) => id))).to.deep.equal([rare])
        expect(pages).to.have.length(Math.ceil((crowd + 2) / maxExamined))
        const cursors = [Number.MAX_SAFE_INTEGER, ...pages.flatMap(({ next }) => (next ? [Number(next)] : []))]
        for (const [index, cursor] of cursors.slice(1).entries()) {
          const [{ n = 0 } = {}] = await world().rows<{ n: number }>(
            `SELECT COUNT(*) AS n FROM wa_outgoing_messages WHERE id >= ${cursor} AND id < ${cursors[index]}`,
          )
          expect(Number(n), 'looked at for one page').to.be.at.most(maxExamined)
        }
      })

    it('come in whole pages, without a gap or a repetition, where there are enough of them', async () => {
      const query = `accountId=${accountId}&status=read&limit=200`
      const first = await world().call<Page>('GET', `/v1/messages?${query}`)
      const second = await world().call<Page>('GET', `/v1/messages?${query}&cursor=${first.body.next}`)
      const ids = [first, second].flatMap(({ body }) => body.items.map(({ id }) => Number(id)))
      const newest = await world().rows<{ id: number }>(
        'SELECT id FROM wa_outgoing_messages ORDER BY id DESC LIMIT 400',
      )
      expect(ids).to.deep.equal(newest.map(({ id }) => id))
    })
  })
}
