/** How long what is kept, table by table. */

import { blockOf } from '../stats/read-block.ts'
import { markDue } from '../stats/stored-blocks.ts'
import type { Database, Executor } from '../storage/database.ts'
import { type PersonalTable, personalTables } from './personal-data.ts'

/** Days after which what is personal is cleared, and after which the rest is deleted. */
export interface RetentionDays {
  readonly bodies: number
  readonly metadata: number
}

interface Deletable extends Pick<PersonalTable, 'name' | 'time' | 'columns' | 'isOpen'> {
  /** What else is to be done in the transaction that deletes rows. */
  readonly onDelete?: (tx: Executor, database: Database, ids: readonly number[]) => Promise<void>
}

interface Step {
  /** Of its mark: whoever changes it starts from the beginning. */
  readonly name: string
  readonly after: keyof RetentionDays
}

export interface ClearStep extends Step {
  readonly does: 'clear'
  readonly table: PersonalTable
}

export interface DeleteStep extends Step {
  readonly does: 'delete'
  readonly table: Deletable
  /** Rows are changed, and become old at any place: the table is gone through again and again. */
  readonly isCyclic?: boolean
}

export type RetentionStep = ClearStep | DeleteStep

const clearing = Object.values<PersonalTable>(personalTables).map(
  (table): ClearStep => ({ name: `clear ${table.name}`, after: 'bodies', does: 'clear', table }),
)

const plain = (name: string, time = 'created_at'): Deletable => ({ name, time, columns: [], isOpen: () => false })

/** Who did what stays; the person about whom it was does not. */
const { messages, audit: _, ...others } = personalTables

/** Messages last: what hangs on one is not older than it is. */
const deletable: readonly Deletable[] = [
  ...Object.values<PersonalTable>(others),
  plain('wa_conversations'),
  plain('wa_link_clicks', 'last_clicked_at'),
  plain('wa_connection_events'),
  plain('message_bulks'),
  { name: 'erasures', time: 'requested_at', columns: ['due_at'], isOpen: (row) => row.due_at !== null },
  // A row that is gone leaves no time of change by which statistics would find that they count it no more.
  { ...messages, onDelete: (tx, database, ids) => markDue(tx, database, ids.map(blockOf)) },
]

const deleting = deletable.map(
  (table): DeleteStep => ({ name: `delete ${table.name}`, after: 'metadata', does: 'delete', table }),
)

/** Whoever was not heard of for so long is not known any more; what they refused is kept elsewhere. */
const contacts: DeleteStep = {
  name: 'delete wa_contacts',
  after: 'bodies',
  does: 'delete',
  isCyclic: true,
  table: plain('wa_contacts', 'updated_at'),
}

export const retentionSteps: readonly RetentionStep[] = [...clearing, contacts, ...deleting]
