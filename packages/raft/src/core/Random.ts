/** Chance as data: the generator's state is a number in the node's state (mulberry32). For timeouts, not for secrets. */

/** An integer in [0, below) and the next seed. */
export const nextRandom = (seed: number, below: number): readonly [value: number, seed: number] => {
  const next = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(next ^ (next >>> 15), next | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return [Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below), next]
}
