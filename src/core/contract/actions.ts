/** What a customer can choose after a failed delivery. */
export const customerActions = [
  'add_alternate_number',
  'reattempt',
  'report_fake_delivery',
  'update_address',
  'cancel',
  'reschedule',
] as const

export type CustomerAction = (typeof customerActions)[number]
