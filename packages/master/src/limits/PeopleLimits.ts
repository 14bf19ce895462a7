/** What signing in, keys and the audit may take. Bare numbers carry their unit last in the name. */
import { Duration } from "effect"

export const peopleLimits = {
  // auth and cluster
  auth: {
    /** Each takes a core and a thread of libuv's pool for tens of milliseconds. */
    passwordHashesConcurrentMax: 2,
    /** Logins that wait for their turn; what comes beyond is told to come back. */
    loginsWaitingMax: 256,
    loginsFullRetrySeconds: 5,
    accessTokenLifetime: Duration.minutes(15),
    /** Between the clocks of two masters. */
    clockSkew: Duration.seconds(5),
    /** A session that is not refreshed for this long ends; every session ends at the age below. */
    refreshLifetime: Duration.days(7),
    sessionAge: Duration.days(30),
    refreshTokenBytes: 32,
    /** Failed logins in a row without a wait, by one email from one address, and by one email from anywhere. */
    freeFailuresMax: 5,
    freeFailuresPerEmailMax: 50,
    lockoutFirst: Duration.seconds(1),
    lockoutMax: Duration.minutes(15),
    /** What guessers elsewhere can do to the owner of an email is bounded by this. */
    lockoutPerEmailMax: Duration.seconds(10),
    failuresForgottenAfter: Duration.hours(24),
    /** Failures kept in memory while none can be recorded. */
    rememberedEmailsMax: 1_000,
    rememberedAddressesMax: 100,
    /** A token given while there is no quorum: good for looking, until someone can log in. */
    readOnlyTokenLifetime: Duration.minutes(5),
    signingKeyBits: 2_048,
    signingKeysMax: 8,
    generatedPasswordBytes: 15,
    /** 192 bits: beyond guessing, so that a fast hash is enough. */
    apiKeySecretBytes: 24,
    /** How exactly the last use of a key is known, how often a master tells of it, and of how many keys at once. */
    keyUseResolution: Duration.hours(1),
    keyUseInterval: Duration.minutes(1),
    keyUsesPerCommandMax: 1_000,
    passwordLinkBytes: 32,
    userAgentCharactersMax: 256
  },

  // keys
  keys: {
    taskInterval: Duration.seconds(5),
    sealingKeyInterval: Duration.seconds(1),
    /** Texts of the state whose secrets one command wraps anew; the largest is a certificate's. */
    placesPerCommandMax: 32,
    remainingCountedMax: 1_000,
    /** A rotation does not end before: what a master sealed with the old key may be on its way. */
    rotationSettles: Duration.minutes(1),
    signingKeyAge: Duration.days(90),
    /** Between a key's being known and its first signature: longer than others keep the set of keys. */
    signingKeyPublished: Duration.minutes(10),
    agentKeyAge: Duration.days(90),
    agentAskedAgain: Duration.minutes(1),
    agentsLookedAtPerSecond: 200,
    /** Each is an entry of the log. */
    agentsRotatedPerSecond: 10
  },

  // audit
  audit: {
    /** Of a row's `before` or `after`; a longer one is named by its hash. */
    valueCharactersMax: 32_768,
    userAgentCharactersMax: 200,
    /** Of one `CutAudit`: a few tens of milliseconds of apply. */
    cutRowsMax: 10_000,
    /** Looked at between two chances for others to run, and for one page of a search. */
    rowsTogether: 500,
    rowsPerSearchMax: 50_000,
    retentionInterval: Duration.hours(1),
    /** Of an export: two values at their longest, written as JSON twice over, and what is beside them. */
    lineBytesMax: 1_048_576
  }
} as const
