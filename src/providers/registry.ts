/** The registry: a provider is its folder and one line here. */

export { dialog360 } from './360dialog/definition.ts'
export { meta } from './meta/definition.ts'
export { twin24 } from './twin24/definition.ts'
