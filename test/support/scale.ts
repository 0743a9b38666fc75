/** How large a test is that proves something by its size. */

/**
 * @param usual a size that keeps a run of all tests short
 * @param full the size of the claim itself, run by hand with `TEST_SCALE=full`
 */
export const scaled = (usual: number, full: number): number => (process.env.TEST_SCALE === 'full' ? full : usual)

/**
 * How long a proof waits for what takes seconds on a machine that does nothing else, in milliseconds: on a busy one it
 * takes longer and proves the same.
 */
export const patienceMs = scaled(120_000, 600_000)
