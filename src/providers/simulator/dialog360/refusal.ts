import { type Answer, json } from '../answers.ts'

/** A refusal in 360dialog's own words; Meta's errors keep Meta's shape. */
export const refusedInWords = (status: number, words: string): Answer => ({
  ...json(status, { meta: { success: false, http_code: status, developer_message: words } }),
  verdict: `360dialog refused ${status}`,
})
