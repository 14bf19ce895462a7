/** `nxmesh cluster …`: everything that is done to the masters, by the API alone. */
import { JoinTokenId, type MasterId } from "@nxmesh/protocol/Ids"
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import type { Master } from "@nxmesh/protocol/model/ClusterStatus"
import { Duration, Effect, Option, Schedule, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { CliLimits } from "./CliLimits.ts"
import { issuedText, mastersText, statusText, tokensText } from "./ClusterText.ts"
import { refused, usage } from "./CliFailure.ts"
import { asOperator, type MasterClient, readAsOperator } from "./MasterClient.ts"
import { note, print } from "./Output.ts"
import { masterOrigin } from "./MasterUrl.ts"
import { recover } from "./RecoverCommand.ts"
import { upgrade } from "./UpgradeCommand.ts"

/** All masters fit on one page. */
const page = { page: 1, per_page: ProtocolLimits.perPageMax }

const aloneNote = "this master cannot reach a majority of the others: what follows is what it knows by itself"

const status = Command.make(
  "status",
  {},
  Effect.fnUntraced(function* () {
    const { alone, value } = yield* readAsOperator(yield* masterOrigin, ({ cluster }) => cluster.status())
    if (alone) yield* note(aloneNote)
    yield* print(value.data, statusText)
  })
).pipe(Command.withDescription("Show who leads, how each master is, and what to do"))

const masters = Command.make(
  "masters",
  {},
  Effect.fnUntraced(function* () {
    const { alone, value } = yield* readAsOperator(yield* masterOrigin, ({ cluster }) =>
      cluster.masters({ query: page })
    )
    if (alone) yield* note(aloneNote)
    yield* print(value.data, mastersText)
  })
).pipe(Command.withDescription("List the masters with role, lag, disk and addresses"))

const master = Argument.String("master").pipe(Argument.withDescription("Name or id of a master"))

/** By id or by name, which is unique among members. */
const named = (all: ReadonlyArray<Master>, text: string): Effect.Effect<Master, ReturnType<typeof refused>> => {
  const found = all.find(({ id }) => id === text) ?? all.find(({ name, role }) => name === text && role !== "leaving")
  return found === undefined
    ? Effect.fail(refused(`there is no master ${text}: there are ${all.map(({ name }) => name).join(", ")}`))
    : Effect.succeed(found)
}

/** Finds the master that is meant, and calls with it. */
const withMaster = Effect.fnUntraced(function* <A, E, R>(
  text: string,
  call: (client: MasterClient, found: Master) => Effect.Effect<A, E, R>
) {
  return yield* asOperator(
    yield* masterOrigin,
    Effect.fnUntraced(function* (client: MasterClient) {
      const { data } = yield* client.cluster.masters({ query: page })
      const found = yield* named(data, text)
      return { found, answer: yield* call(client, found) }
    })
  )
})

const remove = Command.make(
  "remove",
  { master },
  Effect.fnUntraced(function* ({ master }) {
    const { found } = yield* withMaster(master, ({ cluster }, { id }) => cluster.removeMaster({ params: { id } }))
    yield* print({ removed: found.id }, () => `${found.name} is removed, for good: it can only join anew, as another`)
  })
).pipe(Command.withDescription("Remove a master for good, as when its machine is dead"))

const setVoting = Effect.fnUntraced(function* (master: string, voter: boolean) {
  const { answer } = yield* withMaster(master, ({ cluster }, { id }) =>
    cluster.setVoting({ params: { id }, payload: { voter } })
  )
  yield* print(answer.data, ({ name }) => (voter ? `${name} is to vote` : `${name} only listens from here on`))
})

const demote = Command.make("demote", { master }, ({ master }) => setVoting(master, false)).pipe(
  Command.withDescription("Let a master listen only: it counts for no majority, and may be away for long")
)

const promote = Command.make("promote", { master }, ({ master }) => setVoting(master, true)).pipe(
  Command.withDescription("Let a master vote, as soon as it has caught up")
)

/** Until another one leads, or it takes too long: then the old leader went on, which is no harm. */
const awaitLeader = (client: MasterClient, to: MasterId, seconds: number) =>
  client.cluster.status().pipe(
    Effect.map(({ data }) => data.leader_id === to),
    Effect.orElseSucceed(() => false),
    Effect.repeat({ schedule: Schedule.spaced(CliLimits.handoverInterval), until: (leads) => leads }),
    Effect.timeoutOption(Duration.seconds(seconds)),
    Effect.map(Option.isSome)
  )

const transfer = Command.make(
  "transfer",
  {
    master: master.pipe(Argument.optional),
    seconds: Flag.Int("wait-seconds").pipe(
      Flag.filter(
        (seconds) => seconds >= 0 && seconds <= 20,
        () => "must be from 0 to 20"
      ),
      Flag.withDescription("How long to wait until the other one leads, from 0 to 20 [10]"),
      Flag.withDefault(10)
    )
  },
  Effect.fnUntraced(function* ({ master, seconds }) {
    const { all, handover, leads } = yield* asOperator(
      yield* masterOrigin,
      Effect.fnUntraced(function* (client: MasterClient) {
        const { data: all } = yield* client.cluster.masters({ query: page })
        const to = Option.isNone(master) ? null : (yield* named(all, master.value)).id
        const { data: handover } = yield* client.cluster.handOver({ payload: { to } })
        return { all, handover, leads: yield* awaitLeader(client, handover.to, seconds) }
      })
    )
    const name = all.find(({ id }) => id === handover.to)?.name ?? handover.to
    if (!leads)
      return yield* refused(`the leader was asked to hand over to ${name}, which does not lead yet: see cluster status`)
    yield* print(handover, () => `${name} leads`)
  })
).pipe(Command.withDescription("Hand leadership over, to the named master or to the one that is closest"))

const freeze = Command.make(
  "freeze",
  {
    reason: Flag.String("reason").pipe(Flag.withDescription("For whoever finds the cluster frozen"))
  },
  Effect.fnUntraced(function* ({ reason }) {
    const { data } = yield* asOperator(yield* masterOrigin, ({ cluster }) =>
      cluster.setFreeze({ payload: { frozen: true, reason } })
    )
    yield* print(data, () => "deployments are frozen: no agent is told to deploy until nxmesh cluster unfreeze")
  })
).pipe(Command.withDescription("Stop every deployment in the cluster; agents go on serving what they have"))

const unfreeze = Command.make(
  "unfreeze",
  {},
  Effect.fnUntraced(function* () {
    const { data } = yield* asOperator(yield* masterOrigin, ({ cluster }) =>
      cluster.setFreeze({ payload: { frozen: false, reason: "" } })
    )
    yield* print(data, () => "deployments go on: agents are told what they should have")
  })
).pipe(Command.withDescription("Let deployments go on"))

const createToken = Command.make(
  "create",
  {
    ttl: Flag.Int("ttl-seconds").pipe(
      Flag.filter(
        (seconds) => seconds >= 60 && seconds <= 86_400,
        () => "must be from 60 to 86400"
      ),
      Flag.withDescription("How long it may be used, from 60 to 86400 [3600]"),
      Flag.withDefault(3_600)
    )
  },
  Effect.fnUntraced(function* ({ ttl }) {
    const { data } = yield* asOperator(yield* masterOrigin, ({ cluster }) =>
      cluster.createJoinToken({ headers: {}, payload: { ttl_seconds: ttl } })
    )
    yield* print(data, issuedText)
  })
).pipe(Command.withDescription("Issue a token by which one master joins, and print the command that joins"))

const listTokens = Command.make(
  "list",
  {},
  Effect.fnUntraced(function* () {
    const { data } = yield* asOperator(yield* masterOrigin, ({ cluster }) => cluster.joinTokens({ query: page }))
    yield* print(data, tokensText)
  })
).pipe(Command.withDescription("List the join tokens, without their text"))

const decodeTokenId = Schema.decodeUnknownEffect(JoinTokenId)

const revokeToken = Command.make(
  "revoke",
  { id: Argument.String("token").pipe(Argument.withDescription("Id of a join token, as token list prints it")) },
  Effect.fnUntraced(function* ({ id: text }) {
    const id = yield* decodeTokenId(text).pipe(
      Effect.mapError(() => usage("a join token is named by its id, as token list prints it, and not by its text"))
    )
    yield* asOperator(yield* masterOrigin, ({ cluster }) => cluster.revokeJoinToken({ params: { id } }))
    yield* print({ revoked: id }, () => `token ${id} is revoked`)
  })
).pipe(Command.withDescription("Revoke a join token"))

const token = Command.make("token").pipe(
  Command.withDescription("Tokens by which masters join"),
  Command.withSubcommands([createToken, listTokens, revokeToken])
)

export const cluster = Command.make("cluster").pipe(
  Command.withDescription("The masters: who they are, who joins and leaves, who leads"),
  Command.withSubcommands([
    status,
    masters,
    token,
    remove,
    demote,
    promote,
    transfer,
    freeze,
    unfreeze,
    upgrade,
    recover
  ])
)
