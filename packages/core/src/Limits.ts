import { Duration } from "effect"

/** Every bound of this package, in one place. Bare numbers carry their unit last in the name. */
export const Limits = {
  nginx: {
    /** nginx reads an argument into a buffer of 4,096 bytes; what is longer is an error of nginx's. */
    argumentBytesMax: 4_000,
    commentCharactersMax: 512,
    /** Nodes that one template may evaluate for one virtual host. */
    templateStepsMax: 500_000,
    templateOutputCharactersMax: 4 * 1_048_576,
    partialDepthMax: 16,
    parsedTemplatesMax: 64,
    /** Blocks within blocks, in templates and in nginx text. */
    nestingMax: 32,
    runtimeDirectoryBytesMax: 100,
    serverNameBytesInDefaultBucket: 46,
    /** Lines of context around a change, and the size above which a file's diff is not computed. */
    diffContextLines: 3,
    diffFileCharactersMax: 1_048_576
  },
  log: {
    textCharactersMax: 16_384,
    itemsMax: 64,
    depthMax: 6
  },
  trace: {
    /** Ended spans that wait for the collector; what ends while so many do is dropped, and counted. */
    spansWaitingMax: 4_096,
    spansPerExportMax: 512,
    exportInterval: Duration.seconds(2),
    exportTimeout: Duration.seconds(10),
    /** Requests to the collector under way at once. */
    exportsMax: 4,
    /** What a program waits at its end for the collector to take the last spans. */
    closeMax: Duration.seconds(2),
    valueCharactersMax: 1_024,
    attributesMax: 32,
    linksMax: 32,
    eventsMax: 16
  },
  crypto: {
    /** How far a signed call's timestamp may lie from the verifier's clock, either way. */
    callWindowMillis: 5 * 60_000,
    /** Nonces remembered for one connection. */
    noncesMax: 16_384,
    authorityValidityDays: 3_650,
    serverValidityDays: 90,
    /** Certificates in an uploaded chain, and bits of an RSA key. */
    chainLengthMax: 10,
    rsaBitsMin: 2_048
  }
} as const
