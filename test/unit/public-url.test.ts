import { expect } from 'chai'
import { publicUrl } from '../../src/core/accounts/public-url.ts'

const accepted = [
  'https://track.acme.example',
  'https://track.acme.example/',
  'https://track.acme.example:443/orders/',
  'https://xn--bcher-kva.example.com/path?a=1',
]

const refused = [
  '',
  'track.acme.example',
  '//track.acme.example',
  'http://track.acme.example',
  'ftp://track.acme.example',
  'javascript:alert(1)',
  'data:text/html,x',
  'file:///etc/passwd',
  // Somebody before the name, or another door than the usual one.
  'https://user@track.acme.example',
  'https://user:password@track.acme.example',
  'https://track.acme.example@evil.example.com',
  'https://:@127.0.0.1/',
  'https://track.acme.example:8443',
  'https://track.acme.example:22/',
  // Addresses, however they are written.
  'https://127.0.0.1',
  'https://10.0.0.1/',
  'https://169.254.169.254/latest/meta-data',
  'https://2130706433/',
  'https://0x7f000001/',
  'https://0177.0.0.1/',
  'https://127.1/',
  'https://0/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[fd00::1]/',
  'https://１２７.０.０.１/',
  // Names that mean something only inside.
  'https://localhost',
  'https://localhost./',
  'https://api.localhost',
  'https://gateway',
  'https://db.internal',
  'https://metadata.google.internal/',
  'https://printer.local',
  'https://router.lan',
  'https://nas.home.arpa',
  'https://intra.corp',
  'https://DB.INTERNAL',
  'https://db.internal./',
]

describe('URLs that a client names', () => {
  for (const url of accepted) it(`takes ${url}`, () => expect(publicUrl.safeParse(url).success).to.equal(true))
  for (const url of refused)
    it(`refuses ${JSON.stringify(url)}`, () => expect(publicUrl.safeParse(url).success).to.equal(false))
})
