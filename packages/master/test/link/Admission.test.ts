import { EventEmitter } from "node:events"
import type { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Admission, connectionKey } from "../../src/link/Admission.ts"

const socketAt = (remotePort: number) => {
  const made = Object.assign(new EventEmitter(), {
    remoteAddress: "192.0.2.1",
    remotePort,
    destroyed: false,
    destroy: () => {
      made.destroyed = true
      made.emit("close")
    }
  })
  return made
}

const world = (admittedMax: number, waitingMax = 100) => {
  const admitted: Array<number> = []
  const admission = new Admission({
    admittedMax,
    waitingMax,
    admit: ({ remotePort }) => void admitted.push(remotePort ?? 0)
  })
  const offer = (port: number) => {
    const socket = socketAt(port)
    admission.offer(socket as unknown as Socket)
    return socket
  }
  const settle = (port: number) => admission.settled(connectionKey({ remoteAddress: "192.0.2.1", remotePort: port }))
  return { admission, admitted, offer, settle }
}

describe("Admission", () => {
  it("admits so many at once, the others in the order in which they came", () => {
    const { admission, admitted, offer, settle } = world(2)
    for (const port of [1, 2, 3, 4, 5]) offer(port)
    assert.deepStrictEqual(admitted, [1, 2])
    assert.strictEqual(admission.waiting, 3)
    settle(2)
    settle(1)
    assert.deepStrictEqual(admitted, [1, 2, 3, 4])
    settle(1)
    settle(9)
    assert.deepStrictEqual(admitted, [1, 2, 3, 4])
  })

  it("gives the turn of a connection that closed to the next, and none to one that closed while it waited", () => {
    const { admitted, offer } = world(1)
    const first = offer(1)
    const second = offer(2)
    offer(3)
    second.destroy()
    first.emit("error", new Error("reset"))
    assert.deepStrictEqual(admitted, [1, 3])
  })

  it("is not held up by connections that do nothing", () => {
    const { admission, admitted, offer } = world(1)
    for (const port of [1, 2, 3]) offer(port)
    admission.sweep()
    assert.deepStrictEqual(admitted, [1], "it has had less than a whole interval")
    admission.sweep()
    assert.deepStrictEqual(admitted, [1, 2])
    admission.sweep()
    admission.sweep()
    assert.deepStrictEqual(admitted, [1, 2, 3])
  })

  it("closes what comes when too many wait, and all that wait when it stops", () => {
    const { admission, admitted, offer } = world(1, 2)
    const [, second, third, fourth] = [1, 2, 3, 4].map(offer)
    assert.deepStrictEqual([second?.destroyed, third?.destroyed, fourth?.destroyed], [false, false, true])
    admission.stop()
    assert.deepStrictEqual([second?.destroyed, third?.destroyed], [true, true])
    assert.deepStrictEqual(admitted, [1])
  })
})
