import { fileURLToPath } from 'node:url'

/** The product's settings as data; beside `src` as well as beside the built output. */
export const configDir = fileURLToPath(new URL('../config', import.meta.url))
