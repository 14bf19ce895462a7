/**
 * What kind of run a seed is. Every seed draws its own subset of faults and its own severity ("swarm testing", Groce et
 * al., 2012): a run with all faults at once would rarely get far enough to need any one of them.
 */

import { defaultOptions } from "../../core/Options.ts"
import type { Options } from "../../core/Options.ts"
import type { Configuration, NodeId } from "../../core/Types.ts"
import type { NodeOptions } from "../../node/NodeOptions.ts"
import type { LogOptions } from "../../storage/log/SegmentedLog.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import type { LinkQuality } from "./Network.ts"

export const faultKinds = [
  "crash",
  "crash of all",
  "crash while writing",
  "crash while applying",
  "planned stop",
  "partition",
  "isolated leader",
  "stranded leader",
  "stranded member change",
  "late answers",
  "one-way partition",
  "chain of links",
  "clog",
  "swizzle",
  "pause",
  "Raft thread pause",
  "host blocked",
  "clock jump",
  "slow disk",
  "disk error",
  "full disk",
  "damaged sector",
  "member change",
  "wiped disk",
  "leadership transfer"
] as const
export type FaultKind = (typeof faultKinds)[number]

export interface Profile {
  readonly voters: number
  readonly learners: number
  readonly faults: ReadonlyArray<FaultKind>
  readonly quality: LinkQuality
  /** The mean time between two faults. */
  readonly faultMillis: number
  readonly faultLastsMillisMax: number
  /** A snapshot is taken when the log has grown by so much. */
  readonly snapshotLogBytes: number
  /** Relative to that: how much more the log may grow before proposals are refused. */
  readonly logGrowthMax: number
  readonly segmentBytes: number
  /** Entries that stay in the log after a snapshot, for followers that are a little behind. */
  readonly trailing: number
  readonly chunkBytes: number
  /** Clock rates differ between nodes by up to this much. */
  readonly driftPercentMax: number
  readonly appendBytesMax: number
  readonly inflightMessagesMax: number
  readonly uncommittedBytesMax: number
  readonly syncMillisMax: number
  readonly preVote: boolean
  readonly checkQuorum: boolean
  readonly reads: Options["reads"]
  readonly priorities: boolean
  readonly sessionsMax: number
  readonly clients: number
  /** Operations of one client at a time. */
  readonly operationsMax: number
  readonly keys: number
  readonly thinkMillisMax: number
  readonly durationMillis: number
}

const drawQuality = (random: SeededRandom): LinkQuality => ({
  lossPercent: random.pick([0, 0, 1, 5, 20]),
  duplicatePercent: random.pick([0, 0, 2, 20]),
  delayMillisMin: 1,
  delayMillisMax: random.pick([3, 10, 40]),
  stragglerPercent: random.pick([0, 1, 5]),
  stragglerMillisMax: random.pick([100, 1000, 5000])
})

/** What a lease assumes not to happen: a process that sleeps, a clock that jumps (thesis 6.4.1). */
const againstLeases: ReadonlySet<FaultKind> = new Set(["pause", "Raft thread pause", "clock jump", "late answers"])
const leaseDriftPercentMax = 5

/**
 * Combinations that rare mistakes need, each made of few faults that come often: what differs between logs is spread in
 * small steps, configurations change while leaders do, answers come when they are no longer true, processes die in the
 * middle of what they do.
 */
const themes: ReadonlyArray<Partial<Profile>> = [
  {
    voters: 5,
    faults: ["stranded leader", "stranded leader", "crash"],
    faultMillis: 700,
    appendBytesMax: 60,
    inflightMessagesMax: 1,
    uncommittedBytesMax: 1_000_000,
    snapshotLogBytes: 1_000_000_000,
    sessionsMax: 4096,
    thinkMillisMax: 200,
    operationsMax: 3
  },
  {
    voters: 3,
    faults: ["stranded member change", "stranded member change", "member change"],
    faultMillis: 1500,
    preVote: false
  },
  {
    voters: 3,
    faults: ["late answers", "late answers", "crash"],
    faultMillis: 1500,
    checkQuorum: false,
    reads: "Confirmed"
  },
  {
    voters: 3,
    faults: ["crash while applying", "crash while applying", "crash"],
    faultMillis: 700,
    thinkMillisMax: 200
  },
  {
    voters: 5,
    faults: ["damaged sector", "damaged sector", "crash while writing", "member change"],
    faultMillis: 700,
    segmentBytes: 1024
  }
]
const themePercent = 35

export const drawProfile = (random: SeededRandom, durationMillis: number): Profile => {
  const drawn = drawFreely(random, durationMillis)
  const profile = random.chance(themePercent) ? { ...drawn, ...random.pick(themes) } : drawn
  if (profile.reads !== "Lease") return profile
  return {
    ...profile,
    checkQuorum: true,
    faults: profile.faults.filter((fault) => !againstLeases.has(fault)),
    driftPercentMax: Math.min(profile.driftPercentMax, leaseDriftPercentMax)
  }
}

const drawFreely = (random: SeededRandom, durationMillis: number): Profile => ({
  voters: random.pick([1, 2, 3, 3, 3, 4, 5, 5]),
  learners: random.pick([0, 0, 1]),
  faults: ["crash", ...random.shuffle(faultKinds).slice(0, random.between(2, 9))],
  quality: drawQuality(random),
  faultMillis: random.pick([300, 700, 1500, 4000]),
  faultLastsMillisMax: random.pick([800, 3000, 8000]),
  snapshotLogBytes: random.pick([1000, 3000, 12_000, 1_000_000_000]),
  logGrowthMax: random.pick([3, 1000, 1000]),
  segmentBytes: random.pick([1024, 8192, 65_536]),
  trailing: random.pick([0, 3, 20]),
  chunkBytes: random.pick([64, 512, 1_000_000]),
  driftPercentMax: random.pick([0, 5, 30]),
  appendBytesMax: random.pick([100, 1000, 1_000_000]),
  inflightMessagesMax: random.pick([1, 3, 64]),
  uncommittedBytesMax: random.pick([1000, 1_000_000]),
  syncMillisMax: random.pick([2, 2, 20, 120]),
  preVote: !random.chance(30),
  checkQuorum: !random.chance(30),
  reads: random.chance(15) ? "Lease" : "Confirmed",
  priorities: random.chance(20),
  sessionsMax: random.pick([4096, 4096, 12, 4]),
  clients: random.between(3, 5),
  operationsMax: random.pick([1, 1, 3]),
  keys: random.between(2, 5),
  thinkMillisMax: random.pick([200, 500, 1000]),
  durationMillis
})

/** Coarse, so that a simulated minute is short: elections after 400 to 800 ms. */
export const tickMillis = 50

const coreOptions = (profile: Profile, id: NodeId): Options => ({
  ...defaultOptions,
  electionTicks: 8,
  heartbeatTicks: 2,
  preVote: profile.preVote,
  checkQuorum: profile.checkQuorum,
  reads: profile.reads,
  priority: profile.priorities ? Number(id.slice(1)) % 3 : 0,
  appendBytesMax: profile.appendBytesMax,
  inflightMessagesMax: profile.inflightMessagesMax,
  uncommittedBytesMax: profile.uncommittedBytesMax,
  snapshotChunkBytes: profile.chunkBytes,
  commitNoticeTicks: 1
})

/** Stalls count sooner than in production, in step with what the faults last. */
export const nodeOptions = (profile: Profile, id: NodeId, bootstrap: Configuration | null): NodeOptions => ({
  id,
  core: coreOptions(profile, id),
  tickMillis,
  bootstrap,
  snapshotLogBytes: profile.snapshotLogBytes,
  trailingEntries: profile.trailing,
  logBytesMax: profile.snapshotLogBytes * profile.logGrowthMax,
  flushStallMillis: 1000,
  hostStallMillis: 2000,
  hostLostMillis: 6000
})

/** Small files, so that there are many, and little is written ahead. */
export const logOptions = ({ segmentBytes }: Profile): LogOptions => ({
  segmentBytes,
  growBytes: 1024,
  bufferBytes: 4096
})
