/** What a JSON Schema finds wrong, in words that name the field. */

import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js'

/** Empty when nothing is wrong. A mistake that each item of a list has is told of the first one. */
export function schemaErrors(validate: ValidateFunction, value: unknown): string[] {
  if (validate(value)) return []
  const sentences = (validate.errors ?? []).map(sentenceOf)
  const firsts = new Map(sentences.toReversed().map((sentence) => [sentence.replaceAll(/\/\d+/g, '/*'), sentence]))
  return [...firsts.values()].reverse()
}

function sentenceOf({ instancePath, keyword, message = '', params }: ErrorObject): string {
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
      return `${instancePath}/${params.missingProperty} is missing`
    case 'additionalProperties':
      return `${instancePath}/${params.additionalProperty} is not described`
    case 'const':
      return `${instancePath} must be ${JSON.stringify(params.allowedValue)}`
    case 'enum':
      return `${instancePath} must be one of ${JSON.stringify(params.allowedValues)}`
    default:
      return `${instancePath || 'the whole'} ${message}`
  }
}
