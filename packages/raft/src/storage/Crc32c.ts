/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), RFC 3720 appendix B.4. Node has CRC-32 of IEEE 802.3 only.
 * Eight tables, eight bytes per step (Kounavis and Berry, "Slicing-by-8").
 */

const tables: ReadonlyArray<Uint32Array> = (() => {
  const made = Array.from({ length: 8 }, () => new Uint32Array(256))
  const first = made[0] as Uint32Array
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
    first[byte] = value
  }
  for (let table = 1; table < 8; table++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = made[table - 1]?.[byte] as number
      ;(made[table] as Uint32Array)[byte] = (first[before & 255] as number) ^ (before >>> 8)
    }
  }
  return made
})()

const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as unknown as readonly [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array
]

// Every index is in range: a byte for the tables, `start <= i < end` for the bytes.
type At = number

/** The checksum of `bytes[start, end)`; `seed` continues from the checksum of what comes before. */
export const crc32c = (bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number => {
  let crc = ~seed
  let i = start
  for (const stop = end - 7; i < stop; i += 8) {
    crc ^= (bytes[i] as At) | ((bytes[i + 1] as At) << 8) | ((bytes[i + 2] as At) << 16) | ((bytes[i + 3] as At) << 24)
    crc =
      (t7[crc & 255] as At) ^
      (t6[(crc >>> 8) & 255] as At) ^
      (t5[(crc >>> 16) & 255] as At) ^
      (t4[crc >>> 24] as At) ^
      (t3[bytes[i + 4] as At] as At) ^
      (t2[bytes[i + 5] as At] as At) ^
      (t1[bytes[i + 6] as At] as At) ^
      (t0[bytes[i + 7] as At] as At)
  }
  for (; i < end; i++) crc = (t0[(crc ^ (bytes[i] as At)) & 255] as At) ^ (crc >>> 8)
  return ~crc >>> 0
}
