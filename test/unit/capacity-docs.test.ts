import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { rowsBelow } from '../support/docs.ts'

const page = readFileSync('docs/capacity.md', 'utf8')
const measured = rowsBelow(
  readFileSync('docs/performance.md', 'utf8'),
  '## After grouped acknowledgements, pruned updates and earlier slots',
)

const figures = (cell = '') => cell.split(' / ').map((text) => Number(text.replaceAll(',', '').trim()))
const found = (name: string) => figures(measured.find(([first = '']) => first.trim() === name)?.[1])

const wanted = 10_000
const shards = 16
const send = found('outbound, node / database / broker, us each')
const report = found('webhooks, node / database / broker, us each')
const whole = send.map((us, part) => us + 3 * (report[part] ?? Number.NaN))

describe('the page on capacity', () => {
  it('reckons with the figures that were measured', () =>
    expect(rowsBelow(page, '## One message').map(([, ...cells]) => cells.flatMap(figures))).to.deep.equal(
      whole.map((us, part) => [send[part], report[part], us]),
    ))

  it('multiplies them rightly', () => {
    const busy = whole.map((us) => (us * wanted) / 1e6)
    expect(rowsBelow(page, '## 10,000 of them a second').map(([, ...cells]) => cells.flatMap(figures))).to.deep.equal(
      busy.map((processors) => [Number(processors.toFixed(1)), Math.ceil(processors * 2)]),
    )
  })

  it('has enough shards for what one was seen to do', () => {
    const [sends = 0] = found('outbound, messages/s')
    const [reports = 0] = found('webhooks applied and published/s')
    const most = Math.round(1 / (1 / sends + 3 / reports))
    expect(page)
      .to.include(`**${most} messages a\nsecond**`)
      .and.to.include(`= ${(wanted / most).toFixed(1)}, so`)
    const each = wanted / shards
    const share = Math.round((each / most) * 100)
    expect(share).to.be.below(100)
    expect(page).to.include(`**${shards} shards** at ${each} messages a\nsecond, ${share} %`)
    const [node = 0, database = 0] = whole.map((us) => Number(((us * each) / 1e6).toFixed(2)))
    const ofShard = rowsBelow(page, '## How many shards').map(([, cell]) => figures(cell)[0])
    expect(ofShard).to.deep.equal([each, 3 * each, 4 * each, node, database])
  })
})
