/** A deployer on a real nginx with the real renderer, as the agent has it, and a policy to go by. */
import { ConfigProvider, Effect, Layer, References } from "effect"
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import * as BundleCache from "@nxmesh/agent/cache/BundleCache"
import { HeldBundle } from "@nxmesh/agent/bundle/HeldBundle"
import { Deployer } from "@nxmesh/agent/deploy/Deployer"
import * as DeploymentLayer from "@nxmesh/agent/deploy/DeploymentLayer"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import { CurrentPolicy } from "@nxmesh/agent/policy/CurrentPolicy"
import { Settings } from "@nxmesh/agent/Settings"
import { agentPolicyDefault, type BadObjectPolicy } from "@nxmesh/protocol/model/AgentPolicy"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { dataDirectory, nextDeploymentId, nginxBinary, order } from "./Instance.ts"

/** The deployment side as `main` has it. */
export const deploymentLayer = (instance: NginxInstanceSettings) => {
  const data = dataDirectory(instance)
  const variables = {
    NXMESH_DATA_DIR: data,
    NXMESH_NGINX_PREFIX: instance.prefix ?? "",
    NXMESH_NGINX_BINARY: nginxBinary
  }
  const settings = Settings.layer(null).pipe(
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables)))
  )
  return DeploymentLayer.layer.pipe(
    Layer.provideMerge(Layer.merge(BundleCache.layer(data), CurrentPolicy.layer(data))),
    Layer.provideMerge(Layer.merge(settings, Identifiers.layer)),
    Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
  )
}

export const policy = (bad_object: BadObjectPolicy) =>
  CurrentPolicy.use(({ set }) => set({ ...agentPolicyDefault, bad_object }))

/** Applies bundles with rising orders, and holds the ones that settled, as the link's tasks do. */
export const applyBundle = Effect.fnUntraced(function* (bundle: Bundle, options: { readonly force?: boolean } = {}) {
  const deployer = yield* Deployer
  const index = ((yield* deployer.order)?.index ?? 0) + 1
  const outcome = yield* deployer.apply({ deploymentId: nextDeploymentId(), bundle, order: order(index), ...options })
  if (outcome.status === "settled") yield* (yield* HeldBundle).keep(bundle)
  return outcome
})

/** A self-signed certificate for a name, and its key. */
export const selfSigned = (name: string) =>
  Effect.acquireUseRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-certificate-"))),
    (directory) =>
      Effect.promise(async () => {
        const [key, certificate] = [join(directory, "t.key"), join(directory, "t.crt")]
        await promisify(execFile)("openssl", [
          ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
          ...["-subj", `/CN=${name}`, "-keyout", key, "-out", certificate]
        ])
        return { private_key_pem: await readFile(key, "utf8"), certificate_pem: await readFile(certificate, "utf8") }
      }),
    (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
  )
