import { defaultOptions } from "./core/Options.ts"

/** Every bound of this package, in one place. Bare numbers carry their unit last in the name. */
export const Limits = {
  /** Of the algorithm: its defaults, which a node's settings may change. */
  core: defaultOptions,
  storage: {
    /** A log file that is larger is followed by a new one. */
    segmentBytes: 16 * 1_048_576,
    /** A log file is filled with zeros so far ahead of its records. */
    growBytes: 1_048_576,
    /** Records that gather before they are written, though not flushed. */
    bufferBytes: 1_048_576,
    /** Appends that share a flush: more wait for the next one, so that those who wait for this one do not wait for ever. */
    flushBytesMax: 16 * 1_048_576,
    /** One command. The length and the offset of a record have 32 bits each. */
    entryBytesMax: 256 * 1_048_576,
    nodeIdBytesMax: 1_024,
    /** A snapshot that is being written is flushed this often, so that the last flush is short. */
    snapshotFlushBytes: 8 * 1_048_576,
    snapshotMetadataBytesMax: 16 * 1_048_576
  },
  transport: {
    /** One message. Above it a peer is broken, or is none: the connection ends. */
    frameBytesMax: 320 * 1_048_576
  }
} as const
