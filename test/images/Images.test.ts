/** The built images, started: a master, an nginx as docker/nginx configures it, and an agent beside it. `npm run images -- --test`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { chmod, mkdir } from "node:fs/promises"
import { join } from "node:path"
import { imageNames } from "../../cli/images/Buildah.ts"
import { inCheckout } from "../../cli/tooling/Checkout.ts"
import { send, signIn } from "../support/Api.ts"
import { administrator, agentIs, converged, temporaryDirectory, workspace } from "../support/Fleet.ts"
import { freePorts } from "../support/FreePort.ts"
import { visit } from "../support/Site.ts"
import { until } from "../support/Wait.ts"
import { container, type Volume } from "./Containers.ts"

/** The user of the master's image. */
const masterRights = { uid: 10_001, capabilities: "setuid,setgid,sys_chroot" }

const folders = (root: string, names: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    for (const name of names) {
      await mkdir(join(root, name))
      await chmod(join(root, name), name === "run" ? 0o700 : 0o755)
    }
  })

const startMaster = Effect.gen(function* () {
  const [http, link, peer, metrics] = yield* freePorts(4)
  const origin = `http://127.0.0.1:${http}`
  const running = yield* container({
    image: imageNames.master,
    command: ["/usr/local/bin/nxmesh-master"],
    rights: masterRights,
    volumes: [],
    environment: {
      NXMESH_HTTP_ADDRESS: `127.0.0.1:${http}`,
      NXMESH_AGENT_ADDRESS: `127.0.0.1:${link}`,
      NXMESH_ADVERTISE_AGENT: `127.0.0.1:${link}`,
      NXMESH_PEER_ADDRESS: `127.0.0.1:${peer}`,
      NXMESH_ADMIN_EMAIL: administrator.email,
      NXMESH_ADMIN_PASSWORD: administrator.password
    }
  })
  yield* until(
    Effect.suspend(() => send(`${origin}/readyz`, "GET").pipe(Effect.catchCause(() => Effect.fail(running.output())))),
    ({ status }) => status === 200,
    { fact: "the master of the image is ready", timeoutMillis: 60_000 }
  )
  return { origin, linkUrl: `wss://127.0.0.1:${link}`, metrics: metrics ?? 0, output: running.output }
})

describe("the images", () => {
  it.live("serve a virtual host: a master, an nginx, and an agent in another container of its PID namespace", () =>
    Effect.gen(function* () {
      const root = yield* temporaryDirectory("images")
      yield* folders(root, ["conf", "run", "log"])
      const volumes: ReadonlyArray<Volume> = [
        { from: join(root, "conf"), to: "/etc/nginx/conf.d" },
        { from: join(root, "run"), to: "/run/nxmesh" },
        { from: join(root, "log"), to: "/var/log/nxmesh" }
      ]
      const master = yield* startMaster
      const api = yield* signIn(master.origin, administrator.email, administrator.password)
      const workspaceId = yield* workspace(api)
      const { agent, token } = yield* api.expect(201, "POST", "/api/v1/agents/register", {
        workspace_id: workspaceId,
        name: "edge-1"
      })
      const nginx = yield* container({
        image: imageNames.base,
        command: ["/start.sh"],
        environment: {},
        volumes: [
          { from: inCheckout("docker/nginx/nginx.conf"), to: "/etc/nginx/nginx.conf" },
          { from: inCheckout("docker/nginx/start.sh"), to: "/start.sh" },
          ...volumes
        ]
      })
      yield* until(
        Effect.sync(() => existsSync(join(root, "log", "error.log")) || nginx.output()),
        (seen) => seen === true,
        { fact: "nginx runs in its container" }
      )
      const beside = yield* container({
        image: imageNames.agent,
        command: ["/usr/local/bin/nxmesh-agent"],
        sharesPids: nginx.pid,
        volumes,
        environment: {
          NXMESH_DEPLOYMENT_MODE: "docker_sidecar",
          NXMESH_MASTER_URL: master.linkUrl,
          NXMESH_AGENT_TOKEN: token.token,
          NXMESH_CA_FINGERPRINT: token.ca_fingerprint,
          NXMESH_METRICS_ADDRESS: `127.0.0.1:${master.metrics}`,
          NXMESH_RUNTIME_DIR: "/run/nxmesh/proof",
          NXMESH_NGINX_LOG_DIR: "/var/log/nxmesh",
          NXMESH_NGINX_OWNS_DEFAULT_SERVER: "true"
        }
      })
      const words = () => `${nginx.output()}\n${beside.output().slice(-4_000)}`
      const online = yield* agentIs(
        api,
        agent.id,
        ({ state }) => state !== "Pending",
        "the agent has connected",
        60_000
      ).pipe(Effect.catchCause((cause) => Effect.die(new Error(`${cause}\n${words()}`))))
      assert.includeMembers([...online.capabilities], ["tier_1", "test_chroot", "restart_by_runtime"], words())
      const [port = 0] = yield* freePorts(1)
      yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
        workspace_id: workspaceId,
        name: "site",
        server_name: "site.test",
        listen_port: port,
        locations: [{ path: "/", return: { status: 200, text: "from the image" } }],
        target_agents: { scope: "workspace" }
      })
      yield* converged(api, agent.id, 60_000).pipe(
        Effect.catchCause((cause) => Effect.die(new Error(`${cause}\n${words()}`)))
      )
      const { text } = yield* visit(port, "site.test").pipe(Effect.orDie)
      assert.strictEqual(text, "from the image")
      // What the health checks of the images ask.
      assert.strictEqual((yield* send(`http://127.0.0.1:${master.metrics}/metrics`, "GET")).status, 200)
      assert.strictEqual((yield* send(`${master.origin}/healthz`, "GET")).status, 200)
    })
  )
})
