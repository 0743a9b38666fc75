import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { generateProvider, modelFolder } from '../../scripts/new-provider/generate.ts'
import { NameError, namesOf } from '../../scripts/new-provider/names.ts'

describe('names of a new provider', () => {
  it('are made from its id', () => {
    expect(namesOf('acme-chat', 'Acme Chat')).to.deep.equal({
      id: 'acme-chat',
      name: 'Acme Chat',
      exportName: 'acmeChat',
      typeName: 'AcmeChat',
      variablePrefix: 'ACME_CHAT',
    })
  })

  it('begin with a letter in code, also where the id does not', () => {
    expect(namesOf('360dialog', '360dialog')).to.include({ exportName: 'dialog360', variablePrefix: 'DIALOG360' })
    expect(namesOf('twin24', 'TWIN')).to.include({ exportName: 'twin24', variablePrefix: 'TWIN24' })
  })

  const badIds = [
    '',
    'a',
    'Acme',
    'acme chat',
    'acme_chat',
    '-acme',
    'acme-',
    'a--b',
    '../acme',
    'acme/x',
    '360',
    'x'.repeat(33),
  ]
  for (const id of [...badIds, 'new', 'await', 'default', 'arguments']) {
    it(`refuse the id "${id}"`, () => expect(() => namesOf(id, 'Acme')).to.throw(NameError, 'is no id'))
  }

  for (const name of ['', ' Acme', "Acme's", '`Acme`', 'Acme\nChat', 'Acme | Chat', 'x'.repeat(65)]) {
    it(`refuse the name ${JSON.stringify(name)}`, () => {
      expect(() => namesOf('acme', name)).to.throw(NameError, 'is no name')
    })
  }
})

describe('a new provider', () => {
  let root: string
  const names = namesOf('acme-chat', 'Acme & Chat')
  const filesBelow = async (folder: string) => (await readdir(join(root, folder), { recursive: true })).sort()

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'fdr-new-provider-'))
    await cp(modelFolder, join(root, modelFolder), { recursive: true })
    await mkdir(join(root, 'src/providers/meta'), { recursive: true })
  })
  afterEach(() => rm(root, { recursive: true }))

  it('is the model under names of its own, with nothing of the model left', async () => {
    const made = generateProvider(root, names)
    expect(made).to.include.members(['src/providers/acme-chat/definition.ts', 'test/contract/samples/acme-chat.ts'])
    expect(made).to.have.length((await readdir(modelFolder)).length)
    for (const path of made) {
      expect(await readFile(join(root, path), 'utf8'), path).not.to.match(/copy.?me/i)
    }
  })

  it('imports only what is there', async () => {
    for (const path of generateProvider(root, names)) {
      const text = await readFile(join(root, path), 'utf8')
      for (const [, imported = ''] of text.matchAll(/ from '(\.[^']*)'/g)) {
        const target = join(path, '..', imported)
        expect(existsSync(join(root, target)) || existsSync(target), `${path}: ${imported}`).to.equal(true)
      }
    }
  })

  it('is not made where something has its name, and then nothing is written', async () => {
    const before = await filesBelow('.')
    expect(() => generateProvider(root, namesOf('meta', 'Meta'))).to.throw(NameError, 'already src/providers/meta')
    expect(await filesBelow('.')).to.deep.equal(before)
  })

  it('is not made over samples that somebody wrote', async () => {
    await mkdir(join(root, 'test/contract/samples'), { recursive: true })
    await cp(join(modelFolder, 'samples.ts'), join(root, 'test/contract/samples/acme-chat.ts'))
    const before = await filesBelow('.')
    expect(() => generateProvider(root, names)).to.throw(NameError, 'already test/contract/samples/acme-chat.ts')
    expect(await filesBelow('.')).to.deep.equal(before)
  })
})
