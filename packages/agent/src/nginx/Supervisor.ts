/**
 * Keeps an nginx there to be deployed to. In a private prefix the agent starts it: by absolute path, in a session of its own
 * (nginx makes itself a daemon), so that it outlives the agent and is adopted by pid file and verification at the next
 * start. A system nginx is found; it is started and stopped through its keeper, and only when a person or the watchdog asks.
 */
import { Context, Effect, Layer, Semaphore } from "effect"
import type { FileError } from "@nxmesh/core/file/FileError"
import { Limits } from "../Limits.ts"
import { type Keeper, keeperOf, KeeperSettings, whatToDo } from "./Keeper.ts"
import { NginxError } from "./NginxError.ts"
import { NginxInstance, type NginxInstanceSettings } from "./NginxInstance.ts"
import * as NginxProcess from "./NginxProcess.ts"
import { isOver, NginxWish } from "./NginxWish.ts"
import * as PidFile from "./PidFile.ts"
import * as PrivatePrefix from "./PrivatePrefix.ts"
import * as ProcessTable from "./ProcessTable.ts"
import { ServiceManager } from "./ServiceManager.ts"
import { awaitMaster, startOwn } from "./Start.ts"

type Started = Effect.Effect<NginxProcess.NginxMaster, NginxError | FileError>

/** `drains`: it takes nothing new, and waits for clients of before. */
export type QuitResult = "ended" | "drains"

export class Supervisor extends Context.Service<
  Supervisor,
  {
    /**
     * The running master. In a private prefix a missing one is started, after orphan workers and stale sockets are gone. Fails
     * with `stopped` while a person wants none.
     */
    readonly ensureRunning: Started
    /** False while a person wants it stopped: by the action, and nobody has started it since, or by systemctl(1), for a unit that has not failed. */
    readonly isWanted: Effect.Effect<boolean>
    readonly keeper: Effect.Effect<Keeper>
    /** Starts it through its keeper; beside a master that drains, which is left its clients where that can be. */
    readonly start: Started
    /** Ends it gracefully through its keeper. Fails when its sockets stay open. */
    readonly quit: Effect.Effect<QuitResult, NginxError>
    /** Another master serves when it succeeds. A sidecar's runtime starts what the agent ended. */
    readonly restart: Started
    /** Ends a private nginx when its requests are done; a system nginx is left alone. */
    readonly stop: Effect.Effect<void, NginxError>
    /** Whoever deploys or starts nginx holds this: the watchdog must not start one in the middle of a rollback. */
    readonly exclusive: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** Counts holders of `exclusive`, up by one as each begins and ends: odd while there is one. What was seen before may not hold after. */
    readonly turns: Effect.Effect<number>
  }
>()("@nxmesh/agent/nginx/Supervisor") {
  /** Needs systemctl(1) only where systemd keeps nginx. */
  static readonly layer = Layer.suspend(() => supervisorLayer.pipe(Layer.provide(ServiceManager.layer)))
  static readonly layerWithoutServices = Layer.suspend(() => supervisorLayer)
}

const supervisorLayer = Layer.effect(
  Supervisor,
  Effect.gen(function* () {
    const around: Around = {
      instance: yield* NginxInstance,
      wish: yield* NginxWish,
      services: yield* ServiceManager,
      settings: yield* KeeperSettings
    }
    const lock = yield* Semaphore.make(1)
    let turns = 0
    const turn = Effect.sync(() => void turns++)
    return Supervisor.of({
      ensureRunning: ensureRunning(around),
      isWanted: isWanted(around),
      keeper: keeper(around),
      start: start(around),
      quit: quit(around),
      restart: restart(around),
      stop: stop(around.instance),
      exclusive: (effect) =>
        lock.withPermit(
          Effect.acquireUseRelease(
            turn,
            () => effect,
            () => turn
          )
        ),
      turns: Effect.sync(() => turns)
    })
  })
)

interface Around {
  readonly instance: NginxInstanceSettings
  readonly wish: NginxWish["Service"]
  readonly services: ServiceManager["Service"]
  readonly settings: KeeperSettings
}

const masterOf = (instance: NginxInstanceSettings) =>
  Effect.orElseSucceed(NginxProcess.find(instance.pidFile), () => null)

const keeper = Effect.fnUntraced(function* ({ instance, services, settings, wish }: Around) {
  const master = yield* masterOf(instance)
  const stop = yield* wish.stop
  return keeperOf(instance, settings, {
    cgroup: master === null ? null : ProcessTable.cgroup(master.pid),
    booted: yield* services.booted,
    lastUnit: stop?.unit ?? null
  })
})

const isWanted = Effect.fnUntraced(function* (around: Around) {
  const { instance, services, wish } = around
  const master = yield* masterOf(instance)
  const stop = yield* wish.stop
  if (stop !== null && !isOver(stop, master)) return false
  if (stop !== null) yield* startedSince(wish)
  if (master !== null) return true
  const by = yield* keeper(around)
  return by._tag !== "Systemd" || (yield* services.hasFailed(by.unit))
})

/** The wish of before would count again when this nginx dies. */
const startedSince = (wish: Around["wish"]) =>
  Effect.andThen(
    Effect.logInfo("nginx was started since it was stopped on request, and so is wanted again"),
    Effect.catch(wish.set(null), (error) =>
      Effect.logWarning(`that nginx is wanted again is not kept for a restart: ${error.message}`)
    )
  )

export const stopped = new NginxError({
  reason: "stopped",
  message: "nginx was stopped on request: start it, and what it should serve is deployed"
})

const ensureRunning = Effect.fn("Supervisor.ensureRunning")(function* ({
  instance,
  wish
}: Around): Effect.fn.Return<NginxProcess.NginxMaster, NginxError | FileError> {
  yield* PidFile.mend(instance)
  const found = yield* Effect.result(NginxProcess.find(instance.pidFile))
  const master = found._tag === "Success" ? found.success : null
  const stop = yield* wish.stop
  if (stop !== null && !isOver(stop, master)) return yield* stopped
  if (master !== null && !NginxProcess.isQuitting(master)) return yield* alone(master)
  if (instance.prefix !== null) return yield* startOwn(instance, instance.prefix)
  if (found._tag === "Failure") return yield* found.failure
  return yield* new NginxError({
    reason: "not_running",
    message: "nginx was told to quit and takes nothing new: start it again once its last clients are gone"
  })
})

/** While two binaries serve, a reload of the new one proves nothing of the old one's workers. A package ends the old one soon. */
const alone = Effect.fnUntraced(function* (
  master: NginxProcess.NginxMaster
): Effect.fn.Return<NginxProcess.NginxMaster, NginxError> {
  return yield* Effect.gen(function* () {
    while (NginxProcess.predecessor(master) !== null) yield* Effect.sleep(Limits.upgradePollInterval)
    return master
  }).pipe(
    Effect.timeoutOrElse({
      duration: Limits.upgradeGrace,
      orElse: () =>
        Effect.fail(
          new NginxError({
            reason: "refused",
            message: `two nginx binaries serve, because an upgrade was not finished: end the old one (kill -QUIT ${NginxProcess.predecessor(master)?.pid ?? "its master"})`
          })
        )
    })
  )
})

/** The agent's own nginx as it would be started: to test a tree by while none runs. `null` for a system's. */
export const ownCommand = ({ binary, prefix }: NginxInstanceSettings): NginxProcess.NginxCommand | null =>
  prefix === null
    ? null
    : {
        executable: binary,
        arguments: { prefix, configurationFile: PrivatePrefix.configurationFile(prefix), globalDirectives: null }
      }

const refused = (by: Keeper) => new NginxError({ reason: "refused", message: whatToDo(by) })

const start = Effect.fn("Supervisor.start")(function* (
  around: Around
): Effect.fn.Return<NginxProcess.NginxMaster, NginxError | FileError> {
  const { instance, services } = around
  yield* PidFile.mend(instance)
  const old = yield* masterOf(instance)
  if (old !== null && !NginxProcess.isQuitting(old)) return old
  if (instance.prefix !== null) return yield* startOwn(instance, instance.prefix)
  const by = yield* keeper(around)
  if (by._tag !== "Systemd") return yield* refused(by)
  // A unit whose master drains counts as running: `start` would do nothing for as long as the last client stays.
  yield* services.run(old === null ? "start" : "restart", by.unit)
  return yield* awaitMaster(instance.pidFile, old, Limits.nginxStartTimeout)
})

/** Waits until its sockets are closed: it has ended, or only drains. */
const awaitQuit = (master: NginxProcess.NginxMaster): Effect.Effect<QuitResult, NginxError> =>
  Effect.gen(function* () {
    while (ProcessTable.isAlive(master)) {
      if (NginxProcess.isQuitting(master)) return "drains" as const
      yield* Effect.sleep(Limits.proofPollInterval)
    }
    return "ended" as const
  }).pipe(
    Effect.timeoutOrElse({
      duration: Limits.quitTimeout,
      orElse: () =>
        Effect.fail(
          new NginxError({
            reason: "not_running",
            message: `nginx master ${master.pid} was told to quit and still takes connections: see its error log`
          })
        )
    })
  )

const quit = Effect.fn("Supervisor.quit")(function* (around: Around): Effect.fn.Return<QuitResult, NginxError> {
  const master = yield* masterOf(around.instance)
  const by = yield* keeper(around)
  if (by._tag === "Person" || by._tag === "Runtime") return yield* refused(by)
  if (by._tag === "Systemd") yield* around.services.run("stop", by.unit)
  if (master === null || NginxProcess.isQuitting(master)) return master === null ? "ended" : "drains"
  if (by._tag === "Agent") yield* NginxProcess.signal(master, "SIGQUIT")
  return yield* awaitQuit(master)
})

const restart = Effect.fn("Supervisor.restart")(function* (
  around: Around
): Effect.fn.Return<NginxProcess.NginxMaster, NginxError | FileError> {
  const { instance, services } = around
  const by = yield* keeper(around)
  const old = yield* masterOf(instance)
  switch (by._tag) {
    case "Agent":
      // An end that does not come is the start's to report: it finds the ports taken.
      yield* Effect.ignore(quit(around))
      return yield* start(around)
    case "Systemd":
      yield* services.run("restart", by.unit)
      return yield* awaitMaster(instance.pidFile, old, Limits.nginxStartTimeout)
    case "Runtime":
      return yield* restartContainer(instance, old)
    case "Person":
      return yield* refused(by)
  }
})

/** Ends the first process of the container: gracefully, and after a while for good, because the runtime waits for it. */
const restartContainer = Effect.fnUntraced(function* (
  { pidFile }: NginxInstanceSettings,
  old: NginxProcess.NginxMaster | null
): Effect.fn.Return<NginxProcess.NginxMaster, NginxError> {
  if (old !== null) {
    yield* NginxProcess.signal(old, "SIGQUIT")
    yield* Effect.gen(function* () {
      while (ProcessTable.isAlive(old)) yield* Effect.sleep(Limits.proofPollInterval)
    }).pipe(
      Effect.timeoutOrElse({
        duration: Limits.drainGrace,
        // It may end by itself at this moment: then there is nothing left to do.
        orElse: () => Effect.ignore(NginxProcess.signal(old, "SIGTERM"))
      })
    )
  }
  return yield* Effect.mapError(
    awaitMaster(pidFile, old, Limits.runtimeRestartTimeout),
    (error) =>
      new NginxError({
        reason: "start",
        message: `nginx was ended, and the runtime of its container has not started it again: check its restart policy (${error.message})`
      })
  )
})

const stop = Effect.fn("Supervisor.stop")(function* (
  instance: NginxInstanceSettings
): Effect.fn.Return<void, NginxError> {
  if (instance.prefix === null) return
  const found = yield* Effect.result(NginxProcess.find(instance.pidFile))
  if (found._tag === "Failure") return
  yield* NginxProcess.signal(found.success, "SIGQUIT")
})
