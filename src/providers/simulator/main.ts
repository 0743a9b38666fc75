/**
 * The simulator as a process of its own. SIMULATOR_PORT (9090), SIMULATOR_HOST (127.0.0.1), SIMULATOR_OPTIONS (JSON,
 * see SimulatorOptions).
 */

import { createSimulator, type SimulatorOptions } from './simulator.ts'

const { SIMULATOR_PORT = '9090', SIMULATOR_HOST = '127.0.0.1', SIMULATOR_OPTIONS = '{}' } = process.env

const simulator = createSimulator(JSON.parse(SIMULATOR_OPTIONS) as SimulatorOptions)
await simulator.start({ port: Number(SIMULATOR_PORT), host: SIMULATOR_HOST })
console.log(`simulator: ${simulator.url}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void simulator.close())
}
