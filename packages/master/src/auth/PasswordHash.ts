/**
 * The stored form of a password: a PHC string (github.com/P-H-C/phc-string-format) of argon2id version 1.3 (RFC 9106).
 * Pure: reading, writing and judging the form; `Passwords` computes.
 */
export interface Argon2Parameters {
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

export interface PasswordHash {
  readonly parameters: Argon2Parameters
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

/** Above the least that OWASP's Password Storage Cheat Sheet asks of argon2id (19 MiB, 2 passes, 1 lane). */
export const currentParameters: Argon2Parameters = { memory: 32_768, passes: 3, parallelism: 1 }
export const saltBytes = 16
export const hashBytes = 32

/** What a stored hash may ask of this machine, so that a damaged one cannot exhaust it. */
const ceiling: Argon2Parameters = { memory: 1_048_576, passes: 16, parallelism: 16 }

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/, "")

export const formatPasswordHash = ({ hash, parameters, salt }: PasswordHash): string =>
  `$argon2id$v=19$m=${parameters.memory},t=${parameters.passes},p=${parameters.parallelism}$${unpadded(salt)}$${unpadded(hash)}`

const form = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** `undefined` when the text is not such a hash, or asks for more than any setting of ours would. */
export const parsePasswordHash = (text: string): PasswordHash | undefined => {
  const [, memory, passes, parallelism, salt, hash] = form.exec(text) ?? []
  if (salt === undefined || hash === undefined) return undefined
  const parameters = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
  const tooLittle =
    parameters.passes < 1 || parameters.parallelism < 1 || parameters.memory < 8 * parameters.parallelism
  const tooMuch =
    parameters.memory > ceiling.memory ||
    parameters.passes > ceiling.passes ||
    parameters.parallelism > ceiling.parallelism
  if (tooLittle || tooMuch) return undefined
  return { parameters, salt: Buffer.from(salt, "base64"), hash: Buffer.from(hash, "base64") }
}

/** Whether a hash is weaker in any way than one made now, so that the next login should replace it. */
export const isOutdated = ({ hash, parameters, salt }: PasswordHash): boolean =>
  parameters.memory < currentParameters.memory ||
  parameters.passes < currentParameters.passes ||
  salt.length < saltBytes ||
  hash.length < hashBytes
