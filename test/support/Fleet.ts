/** One master, and agents each with an nginx of its own: the real programs, in temporary directories, on free ports. */
import { Effect, type Scope } from "effect"
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Api, send, signIn } from "./Api.ts"
import { freePorts } from "./FreePort.ts"
import { type Program, program } from "./Program.ts"
import { until } from "./Wait.ts"

export const administrator = { email: "admin@example.com", password: "correct horse battery staple" }

export interface Master {
  readonly origin: string
  readonly linkUrl: string
  readonly dataDirectory: string
  readonly program: () => Program
  /** Signs in as the first administrator. */
  readonly admin: Effect.Effect<Api>
  /** Starts it again on the same data and ports, after it was ended. */
  readonly restart: Effect.Effect<void, never, Scope.Scope>
}

export interface FleetAgent {
  readonly id: string
  readonly dataDirectory: string
  readonly prefix: string
  readonly pidFile: string
  readonly program: () => Program
  readonly restart: Effect.Effect<void, never, Scope.Scope>
  /** Starts it again, and waits for no master. */
  readonly startAlone: Effect.Effect<void, never, Scope.Scope>
}

/** A directory that nginx workers, which run as another user, can pass; removed with the scope. */
export const temporaryDirectory = (name: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const path = await mkdtemp(join(tmpdir(), `${name}-`))
      await chmod(path, 0o755)
      return path
    }),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
  )

/** Dies at once when the program ended instead of becoming ready, with what it printed. */
const ready = (origin: string, running: () => Program) =>
  until(
    Effect.suspend(() =>
      running().ended() === null
        ? send(`${origin}/readyz`, "GET").pipe(Effect.catchCause((cause) => Effect.fail(String(cause))))
        : Effect.die(new Error(`the master ended: ${running().output().slice(-4_000)}`))
    ),
    ({ status }) => status === 200,
    { fact: "the master is ready", timeoutMillis: 30_000, everyMillis: 50 }
  )

export const startMaster = (
  environment: Readonly<Record<string, string>> = {}
): Effect.Effect<Master, never, Scope.Scope> =>
  Effect.gen(function* () {
    const dataDirectory = yield* temporaryDirectory("m")
    const [httpPort, linkPort, peerPort] = yield* freePorts(3)
    const origin = `http://127.0.0.1:${httpPort}`
    const start = program({
      path: "packages/master/src/main.ts",
      environment: {
        NXMESH_HTTP_ADDRESS: `127.0.0.1:${httpPort}`,
        NXMESH_AGENT_ADDRESS: `127.0.0.1:${linkPort}`,
        NXMESH_ADVERTISE_AGENT: `127.0.0.1:${linkPort}`,
        NXMESH_PEER_ADDRESS: `127.0.0.1:${peerPort}`,
        NXMESH_DATA_DIR: dataDirectory,
        NXMESH_NODE_NAME: "m1",
        NXMESH_ADMIN_EMAIL: administrator.email,
        NXMESH_ADMIN_PASSWORD: administrator.password,
        ...environment
      }
    })
    let running = yield* start
    yield* ready(origin, () => running)
    return {
      origin,
      linkUrl: `wss://127.0.0.1:${linkPort}`,
      dataDirectory,
      program: () => running,
      admin: signIn(origin, administrator.email, administrator.password),
      restart: Effect.gen(function* () {
        running = yield* start
        yield* ready(origin, () => running)
      })
    }
  })

/** Makes a tenant to work in. */
export const workspace = (api: Api, slug = "acme") =>
  Effect.gen(function* () {
    const organization = yield* api.expect(201, "POST", "/api/v1/organizations", { name: slug, slug })
    const made = yield* api.expect(201, "POST", `/api/v1/organizations/${organization.id}/workspaces`, {
      name: "production",
      slug: "production"
    })
    return made.id as string
  })

export const agentIs = (api: Api, id: string, holds: (agent: any) => boolean, fact: string, timeoutMillis = 30_000) =>
  until(api.expect(200, "GET", `/api/v1/agents/${id}`), holds, { fact, timeoutMillis })

/** For the start of a Node process and an nginx on a machine that does much else. */
const onlineMillis = 90_000

/** Registers an agent over the API, starts it with its token, and waits until it is online. */
export const startAgent = (
  master: Pick<Master, "linkUrl">,
  api: Api,
  workspaceId: string,
  options: {
    readonly name?: string
    readonly labels?: Readonly<Record<string, string>>
    /** Settings of the agent beyond those that it needs here. */
    readonly environment?: Readonly<Record<string, string>>
    /** What its command line begins with, to run it on a host of its own. */
    readonly prefix?: ReadonlyArray<string>
  } = {}
): Effect.Effect<FleetAgent, never, Scope.Scope> =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory("a")
    const dataDirectory = join(directory, "data")
    const prefix = join(directory, "nginx")
    const pidFile = join(prefix, "nginx.pid")
    const { agent, token } = yield* api.expect(201, "POST", "/api/v1/agents/register", {
      workspace_id: workspaceId,
      name: options.name ?? "web-1",
      labels: options.labels ?? {}
    })
    const start = program({
      path: "packages/agent/src/main.ts",
      environment: {
        NXMESH_MASTER_URL: master.linkUrl,
        NXMESH_AGENT_TOKEN: token.token,
        NXMESH_CA_FINGERPRINT: token.ca_fingerprint,
        NXMESH_DEPLOYMENT_MODE: "standalone",
        NXMESH_DATA_DIR: dataDirectory,
        NXMESH_NGINX_PREFIX: prefix,
        ...options.environment
      },
      ...(options.prefix === undefined ? {} : { prefix: options.prefix })
    })
    // The agent's nginx outlives the agent by design: the scope ends it by its pid.
    yield* Effect.addFinalizer(() => endNginx(pidFile))
    let running = yield* start
    const online = agentIs(api, agent.id, ({ state }) => state === "Online", "the agent is online", onlineMillis).pipe(
      Effect.catchCause((cause) => Effect.die(new Error(`${cause}\n${running.output().slice(-4_000)}`)))
    )
    yield* online
    return {
      id: agent.id,
      dataDirectory,
      prefix,
      pidFile,
      program: () => running,
      restart: Effect.gen(function* () {
        running = yield* start
        yield* online
      }),
      startAlone: Effect.map(start, (started) => {
        running = started
      })
    }
  })

/** A master, signed in to, with one workspace and one agent in it that is online. */
export const fleetOfOne = Effect.gen(function* () {
  const master = yield* startMaster()
  const api = yield* master.admin
  const workspaceId = yield* workspace(api)
  const agent = yield* startAgent(master, api, workspaceId)
  return { master, api, workspaceId, agent }
})

/** Waits until the agent serves what it should. */
export const converged = (api: Api, id: string, timeoutMillis?: number) =>
  agentIs(
    api,
    id,
    ({ desired_generation, serving_generation }) => desired_generation === serving_generation,
    "the agent serves what it should",
    timeoutMillis
  )

const endNginx = (pidFile: string) =>
  Effect.promise(async () => {
    const text = await readFile(pidFile, "utf8").catch(() => "")
    const pid = Number(text.trim())
    if (pid > 1) process.kill(pid, "SIGTERM")
  }).pipe(Effect.catchCause(() => Effect.void))
