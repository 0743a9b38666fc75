import { execFile } from 'node:child_process'
import { expect } from 'chai'
import { anOwnConnection, inWorld } from '../support/stories.ts'

const run = (env: Readonly<Record<string, string>>) =>
  new Promise<{ code: number; output: string }>((resolve) => {
    const options = { env: { PATH: process.env.PATH ?? '', ...env }, timeout: 60_000 }
    execFile(process.execPath, ['--import', 'tsx', 'src/doctor.ts'], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    )
  })

describe('npm run doctor', function () {
  this.timeout(90_000)

  it('says what is wrong with the installation and with each connection, without a secret', () =>
    inWorld({ storage: 'mysql' }, async (world) => {
      const { connectionId, credentials } = await anOwnConnection(world)
      const { code, output } = await run(world.env)
      expect(code, output).to.equal(1)
      expect(output).to.match(/ok {3}database: The database answers\./)
      expect(output).to.match(/BAD {2}public URL: /)
      expect(output).to.include(`Connection ${connectionId}: Own`)
      expect(output).to.match(/ok {3}access token: Meta accepts the access token\./)
      expect(output).to.match(/doctor: \d+ to mend/)
      for (const secret of [credentials.accessToken, credentials.appSecret]) expect(output).not.to.include(secret)
    }))

  it('says so when the database is away', async () => {
    const { code, output } = await run({
      DATABASE_URL: 'mysql://root@127.0.0.1:1/nothing',
      SECRETS_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
      ADMIN_API_KEY: 'test-admin-key-000000',
    })
    expect(code, output).to.equal(1)
    expect(output).to.match(/BAD {2}database: The database cannot be used/)
  })
})
