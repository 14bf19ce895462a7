import { createServer } from "node:net"
import type { AddressInfo, Server } from "node:net"

const listen = (): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => resolve(server))
  })

/** Ports of the loopback interface that nobody listens on, all different. */
export const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  const servers: Array<Server> = []
  for (let made = 0; made < count; made++) servers.push(await listen())
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
