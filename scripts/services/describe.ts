/** The URL without its password, for messages. */
export const withoutPassword = (url: string): string => {
  if (!URL.canParse(url)) return 'a value that is not a URL'
  const parsed = new URL(url)
  if (parsed.password !== '') parsed.password = '***'
  return parsed.href
}

/** One line for an error: connection errors of several addresses carry theirs in a list. */
export const reasonOf = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  return error instanceof Error ? error.message || error.name : String(error)
}
