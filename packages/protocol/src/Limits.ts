/** Every bound on what may cross a wire, in one place. Bare numbers carry their unit last in the name. */
export const Limits = {
  // text
  nameCharactersMax: 128,
  slugCharactersMax: 63,
  descriptionCharactersMax: 1_024,
  emailCharactersMax: 254,
  passwordCharactersMin: 12,
  passwordCharactersMax: 256,
  /** Ten years. */
  apiKeySecondsMax: 315_360_000,
  pathCharactersMax: 1_024,
  urlCharactersMax: 2_048,
  headerValueCharactersMax: 4_096,
  serverNameCharactersMax: 4_096,
  snippetCharactersMax: 65_536,
  templateCharactersMax: 131_072,
  pemCharactersMax: 131_072,
  changeSummaryCharactersMax: 256,

  // collections
  labelsMax: 64,
  labelCharactersMax: 63,
  selectorAgentsMax: 1_000,
  serverNamesMax: 64,
  locationsMax: 256,
  headersMax: 64,
  rewriteRulesMax: 64,
  upstreamServersMax: 256,
  accessRulesMax: 256,
  allowlistBlocksMax: 1_000,
  previewDraftsMax: 32,
  groupMembersMax: 1_000,

  // HTTP
  requestBodyBytesMax: 1_048_576,
  perPageDefault: 20,
  perPageMax: 200,
  pageMax: 100_000,
  idempotencyKeyCharactersMax: 128,
  /** Agents that one stream of a console follows: more than any screen shows. */
  liveAgentsMax: 200,
  watchSecondsDefault: 30,
  watchSecondsMax: 55,

  // questions to the logs
  logFilterCharactersMax: 512,
  logLinesPerPageDefault: 100,
  logLinesPerPageMax: 1_000,
  logLinesPerExportMax: 100_000,
  logDimensionsMax: 3,
  logGroupsDefault: 50,
  logGroupsMax: 1_000,
  graphqlCharactersMax: 16_384,

  // link
  linkFrameBytesMax: 64 * 1_048_576,
  logLinesPerReportMax: 1_000,
  logTextCharactersMax: 8_192,
  /** A field of a log line that a client filled: its URI, its user agent. */
  logFieldCharactersMax: 2_048,
  metricSamplesPerReportMax: 1_000,
  outboxEntriesPerBatchMax: 256,
  outboxReportCharactersMax: 1_048_576,
  /** Of one master to another, about what agents told. */
  telemetryQuestionCharactersMax: 65_536,
  outboxIdCharactersMax: 64,
  /** Agents in one answer between masters; with their health some 500 bytes each. */
  sightingsPerAnswerMax: 2_000,
  deploymentErrorCharactersMax: 8_192,
  actionErrorsMax: 16,
  quarantinedMax: 64,
  driftedFilesMax: 16,
  driftDiffCharactersMax: 4_096,
  backendsDownMax: 64,

  // alerts
  alertForSecondsMax: 86_400,
  alertWindowSecondsMax: 3_600,
  silenceDaysMax: 90,
  alertLogLinesMax: 1_000,
  webhookRulesMax: 100,

  // between masters
  peerRequestBytesMax: 4 * 1_048_576,
  certificateRequestCharactersMax: 8_192,
  certificateNamesMax: 32
} as const
