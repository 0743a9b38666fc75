/** How long what is kept, table by table. */

import { type PersonalTable, personalTables } from './personal-data.ts'

/** Days after which what is personal is cleared, and after which the rest is deleted. */
export interface RetentionDays {
  readonly bodies: number
  readonly metadata: number
}

type Deletable = Pick<PersonalTable, 'name' | 'time' | 'columns' | 'isOpen'>

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
  messages,
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
