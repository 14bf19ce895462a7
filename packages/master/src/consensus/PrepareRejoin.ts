/**
 * Before the state is opened: a log and a state that are wrong or lost are set aside, so that this master comes back in its
 * own place under another identity (design-cluster.md 2 and 12). `IdentityLayer` has it let in; a crash at any point is gone
 * on from at the next start.
 */
import { join } from "node:path"
import { Data, Effect, Layer } from "effect"
import { Settings } from "../Settings.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import { joiningFile, type NodeFile, nodeFile } from "./IdentityFiles.ts"
import {
  decideAskedRejoin,
  decideRejoin,
  membersToAsk,
  type RejoinDecision,
  type RejoinFacts
} from "./RejoinDecision.ts"
import { divergedFile, mastersFile, type Rejoining, rejoiningFile } from "./RejoinFiles.ts"
import { fileExists, namesIn, setAside } from "./SetAside.ts"

/** Nothing here was changed. */
export class RejoinRefused extends Data.TaggedError("RejoinRefused")<{ readonly problem: string }> {
  override get message() {
    return this.problem
  }
}

const reasons: Readonly<Record<Rejoining["reason"], string>> = {
  diverged: "the state here is not what the other masters have",
  lost: "the log of this master is gone",
  asked: "it was asked for"
}

/** Agent addresses of members, of what this master knows. */
export const membersKnownIn = Effect.fnUntraced(function* (directory: string, { masters, node_id }: NodeFile) {
  const remembered = yield* mastersFile.read(directory)
  return membersToAsk([...(remembered ?? []), ...masters], (yield* Settings).join, node_id)
})

/** A mark that cannot be read is a mark. */
const divergedIndexIn = (directory: string) =>
  divergedFile.read(directory).pipe(
    Effect.map((mark) => mark?.index ?? null),
    Effect.catchTag("IdentityFileDamaged", () => Effect.succeed(0))
  )

const factsOf = Effect.fnUntraced(function* (directory: string, node: NodeFile) {
  const logs = yield* Effect.forEach(["raft", "log"], (name) => fileExists(join(directory, name)))
  return {
    nodeId: node.node_id,
    rejoining: yield* rejoiningFile.read(directory),
    divergedIndex: yield* divergedIndexIn(directory),
    log: logs.includes(true),
    wasMember: (yield* mastersFile.read(directory)) !== null,
    names: yield* namesIn(directory),
    members: yield* membersKnownIn(directory, node)
  } satisfies RejoinFacts
})

/** From here on the old log and state are never started with again. */
const begin = Effect.fnUntraced(function* (directory: string, rejoining: Rejoining) {
  // Of a start long ago: the other identity is made anew.
  yield* joiningFile.remove(directory)
  yield* rejoiningFile.write(directory, rejoining)
})

const follow = Effect.fnUntraced(function* (directory: string, decision: RejoinDecision) {
  switch (decision._tag) {
    case "Start":
      return
    case "Refuse":
      return yield* new RejoinRefused({ problem: decision.problem })
    case "Finished":
      return yield* rejoiningFile.remove(directory)
    case "Begin":
      yield* begin(directory, decision.rejoining)
      break
    case "Continue":
      break
  }
  const { aside, reason } = decision.rejoining
  yield* Effect.logWarning("this master comes back in its own place, under another id", {
    reason: reasons[reason],
    set_aside: join(directory, aside)
  })
  yield* setAside(directory, aside)
})

export const prepareRejoin = Effect.fn("PrepareRejoin")(function* (directory: string) {
  const node = yield* nodeFile.read(directory)
  if (node === null) return
  yield* follow(directory, decideRejoin(yield* factsOf(directory, node)))
})

/** Before whatever opens the state. */
export const layerRejoinPrepared = Layer.effectDiscard(Effect.flatMap(DataDirectory, ({ path }) => prepareRejoin(path)))

/**
 * What `nxmesh-master --rejoin` does: the next start, and only that, takes this master's place anew. Fails when no other
 * master is known, or while a master runs on the directory.
 */
export const askForRejoin = Effect.gen(function* () {
  const { path: directory } = yield* DataDirectory
  const node = yield* nodeFile.read(directory)
  if (node === null) {
    return yield* new RejoinRefused({
      problem: `${directory} holds no node.json, so it is no member's: join with NXMESH_JOIN and NXMESH_JOIN_TOKEN`
    })
  }
  const decision = decideAskedRejoin(yield* factsOf(directory, node))
  if (decision._tag === "Refuse") return yield* new RejoinRefused({ problem: decision.problem })
  if (decision._tag === "Begin") yield* begin(directory, decision.rejoining)
})
