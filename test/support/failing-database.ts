import type { Database, Executor, SqlValue } from '../../src/core/storage/database.ts'

/** A database in which some statements fail, as they do for a row with something in it that nobody thought of. */
export function failingWhere(database: Database, fails: (sql: string, bind: readonly SqlValue[]) => boolean): Database {
  const checked = <E extends Executor>(executor: E): E => {
    const check = (sql: string, bind: readonly SqlValue[]) => {
      if (fails(sql, bind)) throw new Error('this cannot be')
    }
    return {
      ...executor,
      async select<T>(sql: string, bind: readonly SqlValue[] = []) {
        check(sql, bind)
        return executor.select<T>(sql, bind)
      },
      async write(sql: string, bind: readonly SqlValue[] = []) {
        check(sql, bind)
        return executor.write(sql, bind)
      },
    }
  }
  return { ...checked(database), transaction: (work) => database.transaction((tx) => work(checked(tx))) }
}
