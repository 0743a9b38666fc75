/** The registry: a kind of notification is its file and one line here. */

export { fdr } from './fdr.ts'
export { purchaseOrder } from './purchase-order.ts'
