import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { installationFindings } from '../../src/core/doctor/installation.ts'
import { accountNews } from '../../src/providers/whatsapp/account-news.ts'
import { templateNews } from '../../src/providers/whatsapp/template-news.ts'
import { rowsBelow } from '../support/docs.ts'

const page = readFileSync('docs/set-up.md', 'utf8')
const listed = rowsBelow(page, '## Go-live checklist').map(([name = '']) => name.slice(1, -1))

/** First words of the calls that make a finding: `bad('token type', …`; of a name with a value in it, what stands before. */
const made = /\b(?:well|unwell|good|bad|unanswered)\(\s*(?:'([^']+)'|`([^`$]+?) ?\$\{)/g

const namesIn = (folder: string): string[] =>
  readdirSync(folder)
    .map((file) => readFileSync(`${folder}/${file}`, 'utf8'))
    .flatMap((source) => [...source.matchAll(made)].map(([, name, start]) => name ?? start ?? ''))

describe('the set-up guide', () => {
  it('lists every finding of the doctor, and no other', () => {
    const names = [...namesIn('src/core/doctor'), ...namesIn('src/providers/meta')]
    expect(listed).to.have.members([...new Set(names)])
  })

  it('begins with those of the installation', () => {
    const facts = { databaseProblem: undefined, brokerProblem: null, publicUrl: undefined, ndrApiUrl: undefined }
    const names = installationFindings({ ...facts, isEnabled: true }).map(({ name }) => name)
    expect(listed.slice(0, names.length)).to.deep.equal(names)
  })

  it('has every field subscribed that is read', () => {
    const fields = [...accountNews, ...templateNews].map(([field]) => field)
    expect(fields).not.to.be.empty
    for (const field of [...fields, 'messages']) expect(page).to.include(`\`${field}\``)
  })
})
