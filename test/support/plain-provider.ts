/** For tests whose provider sends everything. */
export const canCarry = () => true

/** For tests whose provider cannot be asked about messages. */
/** Nothing is known against any template. */
export const isTemplateUsable = async () => true

export const noPolls = { isPolled: async () => false, add: async () => {}, hasten: async () => {} }
