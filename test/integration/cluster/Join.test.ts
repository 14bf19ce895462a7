import { randomBytes } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Api, send, signIn } from "../../support/Api.ts"
import { administrator, type Master, startMaster, temporaryDirectory } from "../../support/Fleet.ts"
import { freePorts } from "../../support/FreePort.ts"
import { program } from "../../support/Program.ts"
import { until } from "../../support/Wait.ts"

/** What the masters of a cluster have in common, and what is written once and copied to each of them. */
const commonFile = Effect.fnUntraced(function* (name: string, content: string | Uint8Array) {
  const path = join(yield* temporaryDirectory("common"), name)
  yield* Effect.promise(() => writeFile(path, content, { mode: 0o600 }))
  return path
})

const keyFile = commonFile("secrets.key", randomBytes(32))

const agentAddress = ({ linkUrl }: Master) => linkUrl.replace("wss://", "")

/** Starts another master with a token of its own. */
const joinedMaster = Effect.fnUntraced(function* (member: Master, name: string, key: string) {
  const api = yield* member.admin
  const { token } = yield* api.expect(201, "POST", "/api/v1/cluster/join-tokens", {})
  return yield* startMaster({
    NXMESH_NODE_NAME: name,
    NXMESH_SECRETS_KEY_FILE: key,
    NXMESH_JOIN: agentAddress(member),
    NXMESH_JOIN_TOKEN: token
  })
})

/** Starts a master that is ready only when the others are there, too. */
const formingMaster = Effect.fnUntraced(function* (
  address: string,
  [httpPort, peerPort]: readonly [number, number],
  environment: Readonly<Record<string, string>>
) {
  const origin = `http://127.0.0.1:${httpPort}`
  yield* program({
    path: "packages/master/src/main.ts",
    environment: {
      NXMESH_HTTP_ADDRESS: `127.0.0.1:${httpPort}`,
      NXMESH_AGENT_ADDRESS: address,
      NXMESH_PEER_ADDRESS: `127.0.0.1:${peerPort}`,
      NXMESH_DATA_DIR: yield* temporaryDirectory("m"),
      NXMESH_ADMIN_EMAIL: administrator.email,
      NXMESH_ADMIN_PASSWORD: administrator.password,
      ...environment
    }
  })
  return {
    admin: signIn(origin, administrator.email, administrator.password),
    ready: until(
      Effect.catchCause(send(`${origin}/readyz`, "GET"), (cause) => Effect.fail(String(cause))),
      ({ status }) => status === 200,
      { fact: `the master at ${address} is ready`, timeoutMillis: 120_000, everyMillis: 100 }
    )
  }
})

const allVote = (api: Api, count: number) =>
  until(
    api.expect(200, "GET", "/api/v1/cluster"),
    ({ masters }) =>
      masters.length === count && masters.every(({ role }: { role: string }) => role === "leader" || role === "voter"),
    { fact: `${count} masters vote`, timeoutMillis: 60_000, everyMillis: 200 }
  )

/** Written on each, and read on each of the others. */
const shareState = Effect.fnUntraced(function* (masters: ReadonlyArray<Pick<Master, "admin">>) {
  const apis = yield* Effect.forEach(masters, ({ admin }) => admin)
  for (const [number, api] of apis.entries()) {
    const slug = `by-${number}`
    const { id } = yield* api.expect(201, "POST", "/api/v1/organizations", { name: slug, slug })
    for (const other of apis) {
      assert.strictEqual((yield* other.expect(200, "GET", `/api/v1/organizations/${id}`)).slug, slug)
    }
  }
})

it.live(
  "three masters become a cluster by tokens: what is written on one is read on every other",
  () =>
    Effect.gen(function* () {
      const key = yield* keyFile
      const first = yield* startMaster({ NXMESH_SECRETS_KEY_FILE: key })
      const second = yield* joinedMaster(first, "m2", key)
      const third = yield* joinedMaster(second, "m3", key)
      yield* allVote(yield* third.admin, 3)
      yield* shareState([first, second, third])
    }),
  { timeout: 240_000 }
)

it.live(
  "three masters that start together with a secret form one cluster by themselves",
  () =>
    Effect.gen(function* () {
      const key = yield* keyFile
      const secret = yield* commonFile("cluster-secret", randomBytes(32).toString("hex"))
      const [first = 0, second = 0, third = 0, ...others] = yield* freePorts(9)
      const addresses = [first, second, third].map((port) => `127.0.0.1:${port}`)
      const masters = yield* Effect.forEach(addresses, (address, place) =>
        formingMaster(address, [others[2 * place] ?? 0, others[2 * place + 1] ?? 0], {
          NXMESH_NODE_NAME: `m${place + 1}`,
          NXMESH_SECRETS_KEY_FILE: key,
          NXMESH_CLUSTER_SECRET_FILE: secret,
          NXMESH_BOOTSTRAP_EXPECT: "3",
          NXMESH_JOIN: addresses.join(",")
        })
      )
      for (const { ready } of masters) yield* ready
      yield* allVote(yield* masters[0]!.admin, 3)
      yield* shareState(masters)
    }),
  { timeout: 240_000 }
)
