import type { QueryInterface } from 'sequelize'

/** Adds a column unless it is there: a migration that was cut off is run again and finds part of its work done. */
export async function addColumn(
  schema: QueryInterface,
  table: string,
  name: string,
  column: Parameters<QueryInterface['addColumn']>[2],
): Promise<void> {
  const existing = await schema.describeTable(table)
  if (!(name in existing)) await schema.addColumn(table, name, column)
}

/** Adds an index unless it is there. */
export async function addIndex(
  schema: QueryInterface,
  table: string,
  columns: string[],
  isUnique = false,
): Promise<void> {
  const name = [table, ...columns].join('_').toLowerCase().slice(0, 64)
  const existing = (await schema.showIndex(table)) as { name: string }[]
  if (!existing.some((index) => index.name === name)) await schema.addIndex(table, columns, { name, unique: isUnique })
}
