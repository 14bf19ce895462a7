/** What other masters ask over the port of the agents. The link passes such requests on, and knows nothing of them. */
import type { IncomingMessage, ServerResponse } from "node:http"

/** Answers one request, whatever it is. */
export type PeerHandler = (request: IncomingMessage, response: ServerResponse) => void

export const isPeerPath = (url: string | undefined): boolean => url?.startsWith("/peer/") === true
