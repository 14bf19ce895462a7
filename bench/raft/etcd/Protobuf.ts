/** The few messages of etcd's API that a benchmark needs (api/etcdserverpb/rpc.proto), in protobuf's wire format. */

/** Fields by number; of a number that comes more than once, the last. */
export type Fields = ReadonlyMap<number, bigint | Uint8Array>

const varintBytes = (value: bigint): ReadonlyArray<number> => {
  const bytes: Array<number> = []
  let rest = value
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return [...bytes, Number(rest)]
}

/** One `bytes` field; its number is below 16. */
const bytesField = (number: number, value: Uint8Array): Uint8Array => {
  const head = [(number << 3) | 2, ...varintBytes(BigInt(value.length))]
  const field = new Uint8Array(head.length + value.length)
  field.set(head)
  field.set(value, head.length)
  return field
}

export const putRequest = (key: Uint8Array, value: Uint8Array): Uint8Array =>
  Buffer.concat([bytesField(1, key), bytesField(2, value)])

/** Linearizable: that is the default of `serializable`. */
export const rangeRequest = (key: Uint8Array): Uint8Array => bytesField(1, key)

export const moveLeaderRequest = (target: bigint): Uint8Array => Uint8Array.from([(1 << 3) | 0, ...varintBytes(target)])

const readVarint = (bytes: Uint8Array, start: number): readonly [bigint, number] => {
  let value = 0n
  for (let at = start, shift = 0n; at < bytes.length; at++, shift += 7n) {
    value |= BigInt(bytes[at]! & 127) << shift
    if (bytes[at]! < 128) return [value, at + 1]
  }
  throw new Error("etcd's answer ends in the middle of a number")
}

export const decodeFields = (bytes: Uint8Array): Fields => {
  const fields = new Map<number, bigint | Uint8Array>()
  for (let at = 0; at < bytes.length;) {
    const [tag, afterTag] = readVarint(bytes, at)
    const [value, afterValue] = readVarint(bytes, afterTag)
    const number = Number(tag >> 3n)
    if ((tag & 7n) === 0n) {
      fields.set(number, value)
      at = afterValue
    } else if ((tag & 7n) === 2n) {
      at = afterValue + Number(value)
      fields.set(number, bytes.subarray(afterValue, at))
    } else throw new Error(`etcd's answer has a field of wire type ${tag & 7n}, which nothing here expects`)
  }
  return fields
}

export const numberField = (fields: Fields, number: number): bigint => {
  const value = fields.get(number) ?? 0n
  return typeof value === "bigint" ? value : 0n
}

export const messageField = (fields: Fields, number: number): Fields => {
  const value = fields.get(number)
  return value instanceof Uint8Array ? decodeFields(value) : new Map<number, bigint | Uint8Array>()
}
