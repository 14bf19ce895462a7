/** What V8 of another process tells over its inspector: its heap after a collection, and a profile of its main thread. */
import { writeFile } from "node:fs/promises"
import { Session } from "node:inspector/promises"

/** For the environment of a process that is to be asked. It listens on loopback, on a free port. */
export const inspected = { NODE_OPTIONS: "--inspect=127.0.0.1:0" } as const

interface Inspector {
  /** `undefined` when the process ended first. */
  readonly post: (method: string) => Promise<Record<string, unknown> | undefined>
  readonly close: () => void
}

/** @param output what the process printed, its inspector's address among it */
const inspectorOf = async (output: string): Promise<Inspector> => {
  const url = /ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]+/.exec(output)?.[0]
  if (url === undefined) throw new Error("the process names no inspector: start it with `inspected` in its environment")
  const socket = new WebSocket(url)
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve)
    socket.addEventListener("error", () => reject(new Error(`the inspector at ${url} cannot be reached`)))
  })
  const waiting = new Map<number, (result: Record<string, unknown> | undefined) => void>()
  socket.addEventListener("close", () => {
    for (const resolve of waiting.values()) resolve(undefined)
  })
  socket.addEventListener("message", ({ data }) => {
    const { id, result } = JSON.parse(String(data))
    waiting.get(id)?.(result)
    waiting.delete(id)
  })
  let last = 0
  return {
    post: (method) =>
      new Promise((resolve) => {
        if (socket.readyState !== WebSocket.OPEN) return resolve(undefined)
        waiting.set(++last, resolve)
        socket.send(JSON.stringify({ id: last, method }))
      }),
    close: () => socket.close()
  }
}

/** Kibibytes of V8's heap in use, after what is garbage was collected; twice, because finalizers free more. */
export const heapInUse = async (output: string): Promise<number> => {
  const inspector = await inspectorOf(output)
  await inspector.post("HeapProfiler.enable")
  for (let time = 0; time < 2; time++) await inspector.post("HeapProfiler.collectGarbage")
  const usage = await inspector.post("Runtime.getHeapUsage")
  inspector.close()
  return Number(usage?.usedSize) / 1_024
}

/** Profiles a process from now until the answer is called, which writes a `.cpuprofile`. */
export const profile = async (output: string, path: string): Promise<() => Promise<void>> => {
  const inspector = await inspectorOf(output)
  await inspector.post("Profiler.enable")
  await inspector.post("Profiler.start")
  return async () => {
    const stopped = await inspector.post("Profiler.stop")
    if (stopped !== undefined) await writeFile(path, JSON.stringify(stopped.profile))
    inspector.close()
  }
}

/** As `profile`, of this process. */
export const profileSelf = async (path: string): Promise<() => Promise<void>> => {
  const session = new Session()
  session.connect()
  await session.post("Profiler.enable")
  await session.post("Profiler.start")
  return async () => {
    const { profile: taken } = await session.post("Profiler.stop")
    await writeFile(path, JSON.stringify(taken))
    session.disconnect()
  }
}
