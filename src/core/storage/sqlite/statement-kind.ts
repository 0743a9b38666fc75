/** What a statement needs of the handles, told by its first words. */

export type StatementKind = 'begin' | 'commit' | 'rollback' | 'read' | 'setting' | 'write'

/** The first that fits; everything else writes. A setting has no effect, or fails, inside a transaction. */
const kinds: readonly (readonly [StatementKind, RegExp])[] = [
  ['read', /^\s*(?:SELECT|VALUES|EXPLAIN)\b/i],
  ['begin', /^\s*BEGIN\b/i],
  ['commit', /^\s*(?:COMMIT|END)\b/i],
  ['rollback', /^\s*ROLLBACK\b(?!\s+(?:TRANSACTION\s+)?TO\b)/i],
  ['read', /^\s*PRAGMA\b[^=]*$/i],
  ['read', /^\s*WITH\b(?![\s\S]*\b(?:INSERT|UPDATE|DELETE|REPLACE)\b)/i],
  ['setting', /^\s*(?:PRAGMA|VACUUM|ATTACH|DETACH)\b/i],
]

export function statementKind(sql: string): StatementKind {
  return kinds.find(([, pattern]) => pattern.test(sql))?.[0] ?? 'write'
}
