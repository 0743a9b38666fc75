/** For tests whose provider sends everything. */
export const canCarry = () => true

/** For tests whose provider cannot be asked about messages. */
export const noPolls = { isPolled: async () => false, add: async () => {}, hasten: async () => {} }
