/** `npm run new-provider -- <id> "<Name>"`: a provider to fill in; docs/add-a-provider.md leads on from there. */

import { generateProvider } from './new-provider/generate.ts'
import { NameError, namesOf } from './new-provider/names.ts'

const nextSteps = (id: string, exportName: string) => `
Next, as docs/add-a-provider.md says:
  echo "export { ${exportName} } from './${id}/definition.ts'" >> src/providers/registry.ts
  npm run format
  npm test -- test/contract/provider-contract.test.ts --grep "${id}: "
  grep -rn "Fill in:" src/providers/${id} test/contract/samples/${id}.ts`

function main([id, name, ...more]: string[]): void {
  if (!id || !name || more.length > 0) throw new NameError('Usage: npm run new-provider -- <id> "<Name>"')
  const names = namesOf(id, name)
  for (const path of generateProvider('.', names)) console.log(`made ${path}`)
  console.log(nextSteps(id, names.exportName))
}

try {
  main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof NameError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
