/** The page that shows `/openapi.json` to people: one file, nothing from elsewhere, and no text is ever taken for markup. */

import { createHash } from 'node:crypto'

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; color: #1b1b1b; background: #fff }
h2 { margin-top: 2rem; border-bottom: 1px solid #ccc }
details { border: 1px solid #ddd; border-radius: 4px; margin: .4rem 0; padding: .4rem .7rem; overflow-x: auto }
summary { cursor: pointer; overflow-wrap: anywhere }
code, pre { font: 14px/1.4 ui-monospace, monospace }
pre { overflow-x: auto; background: #f5f5f5; padding: .6rem }
td, th { text-align: left; vertical-align: top; padding: .1rem 1rem .1rem 0 }
b.method { display: inline-block; min-width: 4.5rem }
.more { color: #555 }
`

const script = `
'use strict'
const make = (tag, text, ...children) => {
  const element = document.createElement(tag)
  if (text) element.textContent = text
  element.append(...children)
  return element
}
const main = document.querySelector('main')

const nameOf = (schema) => (schema && schema.$ref ? schema.$ref.split('/').pop() : undefined)

const schemaBlock = (schema) => {
  const name = nameOf(schema)
  if (!name) return make('pre', JSON.stringify(schema, null, 2))
  const link = make('a', name)
  link.href = '#' + name
  return make('p', 'Schema ', link)
}

const contentBlocks = (content) =>
  Object.entries(content || {}).flatMap(([type, { schema }]) => [make('code', type), schemaBlock(schema)])

const parameterRows = (parameters) =>
  parameters.map(({ name, in: place, required, schema, description }) =>
    make('tr', '', make('td', '', make('code', name)), make('td', place + (required ? ', required' : '')),
      make('td', '', make('code', JSON.stringify(schema))), make('td', description || '')))

const operationBlock = (method, path, operation) => {
  const head = make('summary', '', make('code', '', Object.assign(make('b', method.toUpperCase()), { className: 'method' }), path), ' ', operation.summary)
  const block = make('details', '', head)
  if (operation.description) block.append(Object.assign(make('p', operation.description), { className: 'more' }))
  if (operation.parameters) block.append(make('h4', 'Parameters'), make('table', '', ...parameterRows(operation.parameters)))
  if (operation.requestBody) block.append(make('h4', 'Body'), ...contentBlocks(operation.requestBody.content))
  for (const [status, answer] of Object.entries(operation.responses)) {
    block.append(make('h4', status + ' ' + answer.description), ...contentBlocks(answer.content))
  }
  return block
}

const show = (api) => {
  main.replaceChildren(make('p', api.info.description))
  const groups = new Map()
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const [tag] = operation.tags
      groups.set(tag, [...(groups.get(tag) || []), operationBlock(method, path, operation)])
    }
  }
  for (const [tag, blocks] of groups) main.append(make('h2', tag), ...blocks)
  main.append(make('h2', 'Schemas'))
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    const block = make('details', '', make('summary', name), make('pre', JSON.stringify(schema, null, 2)))
    block.id = name
    main.append(block)
  }
}

const openNamed = () => {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (named && named.tagName === 'DETAILS') named.open = true
  if (named) named.scrollIntoView()
}
addEventListener('hashchange', openNamed)
fetch('openapi.json')
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error('answered ' + answer.status))))
  .then((api) => { show(api); openNamed() })
  .catch((error) => main.replaceChildren(make('p', 'The document could not be read: ' + error.message)))
`

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

export const docsPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>fdr-gateway API</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>${style}</style></head>
<body><h1>fdr-gateway API</h1><p><a href="openapi.json">openapi.json</a> (OpenAPI 3.1)</p>
<main><p>Reading …</p></main>
<script>${script}</script></body></html>
`

/** The page's own script and style run, and it may ask the gateway; nothing else may happen. */
export const docsPolicy = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
