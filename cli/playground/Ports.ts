import { createServer } from "node:net"

/** Whether this process could listen there. Port 0 asks the system for one. */
const tryPort = (host: string, port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(undefined))
    server.listen(port, host, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : undefined))
    })
  })

/** The wanted port when it is free, else one that the system chooses. */
export const freePort = async (host: string, wanted: number): Promise<number> => {
  const port = (await tryPort(host, wanted)) ?? (await tryPort(host, 0))
  if (port === undefined) throw new Error(`no free port on ${host}`)
  return port
}
