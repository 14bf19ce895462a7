/** CLOCK_MONOTONIC: the same in every process of a machine, so that what one does and another sees can be compared. */
export const monotonicMillis = (): number => Number(process.hrtime.bigint()) / 1e6
