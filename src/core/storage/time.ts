/** Times in the database: UTC, milliseconds, as text in both dialects. */

/** `2026-11-20 12:00:00.123` for a DATETIME(3) column; null stays null. */
export function sqlTime(time: Date): string
export function sqlTime(time: Date | null | undefined): string | null
export function sqlTime(time: Date | null | undefined): string | null {
  return time ? time.toISOString().slice(0, 23).replace('T', ' ') : null
}

/** Reads what {@link sqlTime} wrote. */
export function fromSqlTime(text: unknown): Date | null {
  return typeof text === 'string' ? new Date(`${text.slice(0, 23).replace(' ', 'T')}Z`) : null
}
