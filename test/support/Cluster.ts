/**
 * Masters that are a cluster: the real program, one process each. The first makes the cluster and the others join it at once,
 * each with a token. Each may run on a host of its own (`Namespaces`), else all are on loopback.
 */
import { Array, Effect, type Scope } from "effect"
import { randomBytes } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Answer, type Api, client, send } from "./Api.ts"
import { administrator, temporaryDirectory } from "./Fleet.ts"
import { freePorts } from "./FreePort.ts"
import type { TestHost } from "./Namespaces.ts"
import { type Program, program } from "./Program.ts"
import { until } from "./Wait.ts"

export interface ClusterMaster {
  /** Names it in the cluster. */
  readonly name: string
  /** `null`: on loopback, as this process. */
  readonly host: TestHost | null
  readonly origin: string
  readonly linkUrl: string
  readonly dataDirectory: string
  readonly program: () => Program
  readonly isRunning: () => boolean
  /** Starts it again on the same data and addresses, after it was ended. Does not wait. */
  readonly start: Effect.Effect<void, never, Scope.Scope>
  readonly ready: Effect.Effect<void>
  readonly kill: Effect.Effect<void>
  /** Ends it in good order. */
  readonly stop: Effect.Effect<void>
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
}

/** One master's view of the cluster, as `GET /cluster` tells it. */
export interface ClusterView {
  readonly answered_by: string
  readonly leader_id: string | null
  readonly term: number
  readonly masters: ReadonlyArray<{
    readonly id: string
    readonly name: string
    readonly role: string
    /** Entries that it has not applied; `null` when nobody knows. */
    readonly lag_entries: number | null
    readonly disk: { readonly data_bytes: number } | null
  }>
}

export interface TestCluster {
  /** Those that were added and not removed, in that order. */
  readonly masters: () => ReadonlyArray<ClusterMaster>
  /** A client of this master, as the first administrator. Its token was issued by whichever master answered. */
  readonly api: (master: ClusterMaster) => Api
  /** A token of the first administrator, for clients of a test's own. */
  readonly token: () => string
  /** Signs in anew, at whichever master answers. */
  readonly renewToken: Effect.Effect<void>
  readonly view: (master: ClusterMaster) => Effect.Effect<ClusterView, string>
  /** Waits until a majority names a leader, itself among them, and answers it. */
  readonly leader: Effect.Effect<ClusterMaster>
  /** Starts one more master with a token, and waits until it is ready; `settled` waits until it votes. */
  readonly add: (options?: MasterOptions) => Effect.Effect<ClusterMaster, never, Scope.Scope>
  /** Removes a master over the API, and ends its process. */
  readonly remove: (master: ClusterMaster) => Effect.Effect<void>
  /** Waits until these are all members that vote, each master says so, and none is behind. */
  readonly settled: (timeoutMillis?: number) => Effect.Effect<void>
}

export interface MasterOptions {
  readonly host?: TestHost
  /** Where its data is; a temporary directory otherwise. */
  readonly dataDirectory?: string
  readonly environment?: Readonly<Record<string, string>>
  /** Which program it is, asked at each start; today's master otherwise. */
  readonly path?: () => string
}

const outputShown = 4_000

/** A master of a running cluster may wait for an election, or for the state that it has missed. */
const readyMillis = 120_000

const addressesOf = (host: string, ports: ReadonlyArray<number>) => {
  const [http, link, peer] = ports.map((port) => `${host}:${port}`)
  return {
    NXMESH_HTTP_ADDRESS: http!,
    NXMESH_ADVERTISE_HTTP: http!,
    NXMESH_AGENT_ADDRESS: link!,
    NXMESH_ADVERTISE_AGENT: link!,
    NXMESH_PEER_ADDRESS: peer!,
    NXMESH_ADVERTISE_PEER: peer!
  }
}

const signalTo = (running: () => Program, signal: NodeJS.Signals) =>
  Effect.sync(() => {
    if (running().ended() === null) process.kill(running().pid, signal)
  })

/** Starts a master; does not wait until it is ready. */
const launch = (
  name: string,
  options: MasterOptions,
  environment: Readonly<Record<string, string>>
): Effect.Effect<ClusterMaster, never, Scope.Scope> =>
  Effect.gen(function* () {
    const dataDirectory = options.dataDirectory ?? (yield* temporaryDirectory("m"))
    // Hosts of their own have the usual ports free.
    const ports = options.host === undefined ? yield* freePorts(3) : [8080, 8443, 7443]
    const address = options.host?.address ?? "127.0.0.1"
    const start = Effect.suspend(() =>
      program({
        path: options.path?.() ?? "packages/master/src/main.ts",
        environment: {
          ...addressesOf(address, ports),
          NXMESH_DATA_DIR: dataDirectory,
          NXMESH_NODE_NAME: name,
          ...environment,
          ...options.environment
        },
        ...(options.host === undefined ? {} : { prefix: options.host.prefix })
      })
    )
    let running = yield* start
    const current = () => running
    const origin = `http://${address}:${ports[0]}`
    // A process that is stopped would not hear its end.
    yield* Effect.addFinalizer(() => signalTo(current, "SIGCONT"))
    return {
      name,
      host: options.host ?? null,
      origin,
      linkUrl: `wss://${address}:${ports[1]}`,
      dataDirectory,
      program: current,
      isRunning: () => running.ended() === null,
      start: Effect.map(start, (started) => void (running = started)),
      ready: ready(name, origin, current),
      kill: Effect.suspend(() => running.end("SIGKILL")),
      stop: Effect.suspend(() => running.end("SIGTERM")),
      pause: signalTo(current, "SIGSTOP"),
      resume: signalTo(current, "SIGCONT")
    }
  })

/** Dies at once when the program ended instead, with what it printed. */
const ready = (name: string, origin: string, running: () => Program): Effect.Effect<void> =>
  until(
    Effect.suspend(() =>
      running().ended() === null
        ? answerOf(`${origin}/readyz`, "GET").pipe(
            Effect.mapError((error) => `${error}; it printed: ${running().output().slice(-outputShown)}`)
          )
        : Effect.die(new Error(`${name} ended (${running().ended()}): ${running().output().slice(-outputShown)}`))
    ),
    ({ status }) => status === 200,
    { fact: `${name} is ready`, timeoutMillis: readyMillis, everyMillis: 50 }
  )

/** As `send`, within two seconds; what does not answer is a failure, not a defect. */
const answerOf = (...request: Parameters<typeof send>): Effect.Effect<Answer, string> =>
  send(...request).pipe(
    Effect.timeout("2 seconds"),
    Effect.catchCause((cause) => Effect.fail(String(cause)))
  )

const viewOf = (master: ClusterMaster, token: string): Effect.Effect<ClusterView, string> =>
  answerOf(`${master.origin}/api/v1/cluster?consistency=stale`, "GET", undefined, {
    authorization: `Bearer ${token}`
  }).pipe(
    Effect.filterOrFail(
      ({ status }) => status === 200,
      ({ body, status }) => `${status} ${JSON.stringify(body)}`
    ),
    Effect.map(({ body }): ClusterView => body.data)
  )

const login = (origin: string): Effect.Effect<string, string> =>
  answerOf(`${origin}/api/v1/auth/login`, "POST", administrator).pipe(
    Effect.filterOrFail(
      ({ status }) => status === 200,
      ({ status }) => `the login answered ${status}`
    ),
    Effect.map(({ body }) => body.data.access_token)
  )

/** What a leader's heartbeats leave open at any moment. */
const lagEntriesMax = 100

const isSettled = (view: ClusterView, names: ReadonlyArray<string>): boolean =>
  view.leader_id !== null &&
  view.masters.length === names.length &&
  view.masters.every(
    ({ lag_entries, name, role }) =>
      names.includes(name) && (role === "leader" || role === "voter") && (lag_entries ?? 0) <= lagEntriesMax
  )

const leaderOf = (views: ReadonlyArray<ClusterView>): string | null => {
  const newest = views.toSorted((a, b) => b.term - a.term)[0]
  if (newest === undefined || newest.leader_id === null) return null
  const agreeing = views.filter(({ leader_id, term }) => term === newest.term && leader_id === newest.leader_id)
  if (agreeing.length * 2 <= newest.masters.length) return null
  // A leader that died is named until the others notice.
  if (!agreeing.some(({ answered_by, leader_id }) => answered_by === leader_id)) return null
  return newest.masters.find(({ id }) => id === newest.leader_id)?.name ?? null
}

/** So many masters that are one cluster, each a voter. */
export const startCluster = (
  /** One for each master. */
  masterOptions: ReadonlyArray<MasterOptions>
): Effect.Effect<TestCluster, never, Scope.Scope> =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory("c")
    const keyFile = join(directory, "secrets.key")
    yield* Effect.promise(() => writeFile(keyFile, randomBytes(32), { mode: 0o600 }))
    const masters: Array<ClusterMaster> = []
    const session = { token: "" }
    const api = (master: ClusterMaster) => client(master.origin, () => `Bearer ${session.token}`)
    const running = Effect.sync(() => masters.filter((master) => master.isRunning()))
    let launched = 0

    const start = (options: MasterOptions, environment: Readonly<Record<string, string>>) =>
      Effect.suspend(() => launch(`m${++launched}`, options, { NXMESH_SECRETS_KEY_FILE: keyFile, ...environment }))
    const view = (master: ClusterMaster) => viewOf(master, session.token)
    const leader = until(
      Effect.flatMap(running, (asked) =>
        Effect.forEach(asked, (master) => Effect.option(view(master)), { concurrency: "unbounded" })
      ),
      (seen) => masters.some(({ name }) => name === leaderOf(Array.getSomes(seen))),
      { fact: "a majority names one leader", timeoutMillis: 60_000, everyMillis: 50 }
    ).pipe(Effect.map((seen) => masters.find(({ name }) => name === leaderOf(Array.getSomes(seen)))!))

    const settled: TestCluster["settled"] = (timeoutMillis = 90_000) =>
      until(
        Effect.forEach(masters, view, { concurrency: "unbounded" }),
        (seen) =>
          seen.every((one) =>
            isSettled(
              one,
              masters.map(({ name }) => name)
            )
          ),
        { fact: "every master sees all as voters that are not behind", timeoutMillis, everyMillis: 100 }
      )

    /** Starts a master that joins, and waits until it is ready. */
    const joining = (options: MasterOptions) =>
      Effect.gen(function* () {
        const member = yield* leader
        const { token } = yield* api(member).expect(201, "POST", "/api/v1/cluster/join-tokens", {})
        const master = yield* start(options, {
          NXMESH_JOIN: masters.map(({ linkUrl }) => new URL(linkUrl).host).join(","),
          NXMESH_JOIN_TOKEN: token
        })
        yield* master.ready
        return master
      })
    const add: TestCluster["add"] = (options = {}) =>
      Effect.tap(joining(options), (master) => Effect.sync(() => masters.push(master)))

    const remove: TestCluster["remove"] = (master) =>
      Effect.gen(function* () {
        masters.splice(masters.indexOf(master), 1)
        const asked = (yield* running)[0]!
        const { masters: known } = yield* until(view(asked), () => true, { fact: `${asked.name} names the masters` })
        const { id } = known.find(({ name }) => name === master.name)!
        yield* api(asked).expect(204, "DELETE", `/api/v1/cluster/masters/${id}`)
        yield* master.kill
      })

    const renewToken = Effect.flatMap(running, (asked) =>
      until(
        Effect.forEach(asked, ({ origin }) => Effect.option(login(origin)), { concurrency: "unbounded" }),
        (tokens) => Array.getSomes(tokens).length > 0,
        { fact: "a master lets the administrator in", timeoutMillis: 30_000, everyMillis: 100 }
      )
    ).pipe(Effect.map((tokens) => void (session.token = Array.getSomes(tokens)[0]!)))

    const first = yield* start(masterOptions[0] ?? {}, {
      NXMESH_ADMIN_EMAIL: administrator.email,
      NXMESH_ADMIN_PASSWORD: administrator.password
    })
    yield* first.ready
    masters.push(first)
    yield* renewToken
    masters.push(...(yield* Effect.forEach(masterOptions.slice(1), joining, { concurrency: "unbounded" })))
    yield* settled()
    return {
      masters: () => [...masters],
      api,
      token: () => session.token,
      renewToken,
      view,
      leader,
      add,
      remove,
      settled
    }
  })
