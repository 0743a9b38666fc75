/** In which language something is said: pure. */

/** The last resort: everything is written in it. */
const lastLanguage = 'en'

/**
 * The languages to be tried, in this order: each of the wishes and, after it, its base language (`hi` for `hi_IN`); then
 * English.
 * @param wishes e.g. `hi_IN` or `hi-IN`, best first; what is no language is passed over
 */
export function languageOrder(wishes: readonly (string | undefined)[]): string[] {
  const tried = [...wishes, lastLanguage].flatMap((wish) => languageAndBase(wish ?? ''))
  return [...new Set(tried)]
}

function languageAndBase(wish: string): string[] {
  const [, language = '', region] = /^([a-z]{2,3})(?:[-_]([a-z]{2}))?$/i.exec(wish.trim()) ?? []
  if (language === '') return []
  const base = language.toLowerCase()
  return region ? [`${base}_${region.toUpperCase()}`, base] : [base]
}
