import { createServer } from "node:http"
import type { Server } from "node:http"

/** The server behind the demo site's `/backend/`: answers what it was asked, as a proxy passed it on. */
export const startBackend = (port: number): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      response.setHeader("content-type", "application/json")
      response.end(`${JSON.stringify({ method: request.method, url: request.url, headers: request.headers })}\n`)
    })
    server.once("error", reject)
    server.listen(port, "127.0.0.1", () => resolve(server))
  })
