/** When which fault happens: the same for the same seed. Faults come one after the other, so that a run tells which one did it. */
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"

export const faultKinds = [
  /** kill -9, and a start after a while. */
  "kill",
  /** SIGSTOP for longer than any lease or election. */
  "pause",
  /** Cut off from the others in both directions; clients still reach it. */
  "isolate",
  /** It does not hear the others; they hear it. */
  "deafen",
  /** It hears the others; they do not hear it. */
  "silence",
  /** What it sends crawls. */
  "slow",
  /** Its disk has not a byte left. */
  "fillDisk",
  /** Its clock jumps, by up to a minute either way. */
  "skewClock",
  /** Leadership changes on purpose. */
  "handOver",
  /** Each master is restarted in good order, one after the other. */
  "rollingRestart",
  /** One is removed and its disk wiped; another joins in its place. */
  "replace"
] as const
export type FaultKind = (typeof faultKinds)[number]

export interface PlannedFault {
  readonly kind: FaultKind
  /** Whom it hits: the leader of that moment, or the follower at this place. */
  readonly victim: "leader" | number
  /** From the end of the fault before, with everybody well. */
  readonly afterMillis: number
  readonly holdMillis: number
  /** How far a clock jumps. */
  readonly skewMillis: number
}

interface Shape {
  readonly holdMillis: readonly [least: number, most: number]
  readonly leaderPercent: number
}

/** A lease is half an election timeout of at most 500 ms: a hold of seconds outlasts it many times. */
const shapes: Readonly<Record<FaultKind, Shape>> = {
  kill: { holdMillis: [200, 1_500], leaderPercent: 80 },
  pause: { holdMillis: [1_500, 4_000], leaderPercent: 80 },
  isolate: { holdMillis: [2_000, 4_000], leaderPercent: 70 },
  deafen: { holdMillis: [2_000, 4_000], leaderPercent: 60 },
  silence: { holdMillis: [2_000, 4_000], leaderPercent: 60 },
  slow: { holdMillis: [2_000, 4_000], leaderPercent: 50 },
  fillDisk: { holdMillis: [1_500, 3_000], leaderPercent: 50 },
  skewClock: { holdMillis: [1_500, 3_000], leaderPercent: 60 },
  handOver: { holdMillis: [0, 300], leaderPercent: 100 },
  rollingRestart: { holdMillis: [0, 300], leaderPercent: 0 },
  replace: { holdMillis: [0, 300], leaderPercent: 50 }
}

const gapMillis = [600, 1_500] as const
const skewMostMillis = 60_000

const plan = (random: SeededRandom, kind: FaultKind): PlannedFault => ({
  kind,
  victim: random.chance(shapes[kind].leaderPercent) ? "leader" : random.between(0, 1),
  afterMillis: random.between(...gapMillis),
  holdMillis: random.between(...shapes[kind].holdMillis),
  skewMillis: random.between(-skewMostMillis, skewMostMillis)
})

/** Faults without end, dealt in decks: each kind once before any comes twice. */
export function* schedule(seed: number, kinds: ReadonlyArray<FaultKind>): Generator<PlannedFault, never> {
  const random = new SeededRandom(seed)
  for (;;) for (const kind of random.shuffle(kinds)) yield plan(random, kind)
}
