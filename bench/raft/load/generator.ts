/** The load generator: a process of its own, the same for both systems. It is told what to do over IPC (GeneratorMessage.ts). */
import { monotonicMillis } from "../MonotonicClock.ts"
import { ClosedLoop } from "./ClosedLoop.ts"
import type { LoadShape } from "./ClosedLoop.ts"
import type { GeneratorAnswer, GeneratorRequest, Measurement } from "./GeneratorMessage.ts"
import { openStore } from "./OpenStore.ts"
import type { Store } from "./Store.ts"

const answersMax = 2_000_000
const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

let store: Store | null = null
let background: ClosedLoop | null = null
let answeredAt: Array<number> = []
let measuredFrom = { cpu: process.cpuUsage(), millis: performance.now() }

const connected = (): Store => {
  if (store === null) throw new Error("connect first")
  return store
}

const running = (): ClosedLoop => {
  if (background === null) throw new Error("begin first")
  return background
}

const startMeasuring = (loop: ClosedLoop): void => {
  loop.take()
  measuredFrom = { cpu: process.cpuUsage(), millis: performance.now() }
}

const takeMeasurement = (loop: ClosedLoop): Measurement => {
  const { failures, histogram } = loop.take()
  const seconds = (performance.now() - measuredFrom.millis) / 1_000
  const { system, user } = process.cpuUsage(measuredFrom.cpu)
  measuredFrom = { cpu: process.cpuUsage(), millis: performance.now() }
  return {
    operations: histogram.count,
    seconds,
    p50Millis: histogram.percentileMillis(0.5),
    p99Millis: histogram.percentileMillis(0.99),
    maxMillis: histogram.maxMillis,
    generatorShare: (user + system) / 1e6 / seconds,
    failures: [...failures]
  }
}

const writeAll = async (shape: LoadShape): Promise<void> => {
  let next = 0
  const loop = new ClosedLoop(
    connected(),
    shape,
    () => undefined,
    () => (next < shape.keys ? next++ : null)
  )
  loop.start()
  await loop.ended()
  const [failure] = loop.take().failures
  if (failure !== undefined) throw new Error(`${failure[1]} keys could not be written: ${failure[0]}`)
}

const measure = async (shape: LoadShape, warmMillis: number, millis: number): Promise<Measurement> => {
  const loop = new ClosedLoop(connected(), shape, () => undefined)
  loop.start()
  await pause(warmMillis)
  startMeasuring(loop)
  await pause(millis)
  const measurement = takeMeasurement(loop)
  await loop.stop()
  return measurement
}

const begin = (shape: LoadShape): void => {
  answeredAt = []
  background = new ClosedLoop(connected(), shape, () => {
    if (answeredAt.length >= answersMax) answeredAt = answeredAt.slice(answersMax / 2)
    answeredAt.push(monotonicMillis())
  })
  background.start()
  startMeasuring(background)
}

const carryOut = async (request: GeneratorRequest): Promise<GeneratorAnswer> => {
  switch (request.kind) {
    case "connect":
      store = openStore(request.target)
      return { kind: "done" }
    case "writeAll":
      await writeAll(request.shape)
      return { kind: "done" }
    case "measure":
      return { kind: "measured", measurement: await measure(request.shape, request.warmMillis, request.millis) }
    case "begin":
      begin(request.shape)
      return { kind: "done" }
    case "answers":
      return { kind: "answers", atMillis: answeredAt.filter((at) => at >= request.sinceMillis) }
    case "progress":
      return { kind: "measured", measurement: takeMeasurement(running()) }
    case "end": {
      const measurement = takeMeasurement(running())
      await running().stop()
      background = null
      return { kind: "measured", measurement }
    }
    case "disconnect":
      store?.close()
      store = null
      return { kind: "done" }
  }
}

process.on("message", (request: GeneratorRequest) => {
  carryOut(request).then(
    (answer) => process.send?.(answer),
    (cause) => process.send?.({ kind: "failed", message: String(cause) } satisfies GeneratorAnswer)
  )
})
process.once("disconnect", () => process.exit())
