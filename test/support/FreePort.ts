/** Ports for servers of a test: the kernel chooses, so that suites can run beside each other. */
import { Effect } from "effect"
import { createServer } from "node:net"

const one = Effect.callback<number, Error>((resume) => {
  const server = createServer()
  server.once("error", (error) => resume(Effect.fail(error)))
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})

export const freePort = one.pipe(Effect.orDie)

/** Several different ports. */
export const freePorts = (count: number) =>
  Effect.gen(function* () {
    const ports = new Set<number>()
    while (ports.size < count) ports.add(yield* freePort)
    return [...ports]
  })
