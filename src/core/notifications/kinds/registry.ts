/** The registry: a kind of notification is its file and one line here. */

export { agentMessage } from './agent-message.ts'
export { fdr } from './fdr.ts'
export { purchaseOrder } from './purchase-order.ts'
