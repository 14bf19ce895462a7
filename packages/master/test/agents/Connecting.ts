/** One agent of a test and its connection to the sessions of a master. */
import { assert } from "@effect/vitest"
import type { Generation } from "@nxmesh/protocol/Ids"
import type { Directive } from "@nxmesh/protocol/link/Directive"
import type { AgentPolicy } from "@nxmesh/protocol/model/AgentPolicy"
import type { BundleUpdate } from "@nxmesh/protocol/model/BundleUpdate"
import { spokenVersions } from "@nxmesh/protocol/link/LinkVersion"
import type { Registration } from "@nxmesh/protocol/link/Registration"
import type { DeploymentOutcome, DeploymentStatus } from "@nxmesh/protocol/model/Deployment"
import { Effect, Layer, Queue, Stream } from "effect"
import { AgentSessions } from "../../src/agents/AgentSessions.ts"
import { agentId } from "../config/Fixtures.ts"
import { engineLayer } from "../config/TestEngine.ts"
import { temporaryDirectory } from "../state/TestMaster.ts"
import { plainOutcome } from "../../../../test/support/Resources.ts"

export const onSessions = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.flatMap(temporaryDirectory, (directory) =>
    Effect.provide(test, AgentSessions.layer.pipe(Layer.provideMerge(engineLayer(directory))))
  )

const registration = (fields: Partial<Registration> = {}): Registration => ({
  protocol: spokenVersions,
  facts: {
    hostname: "edge-1",
    version: "0.1.0",
    deployment_mode: "standalone",
    nginx: { version: "1.22.1", modules: [] },
    capabilities: []
  },
  connection_epoch: 1,
  highest_order: null,
  serving: null,
  ...fields
})

export const connect = Effect.fnUntraced(function* (
  fields: Partial<Registration> = {},
  have: Generation | null = null,
  link: { readonly protocol?: number; readonly close?: (why: string) => void } = {}
) {
  const sessions = yield* AgentSessions
  const connection = yield* sessions.connect({
    agentId: agentId(1),
    registration: registration(fields),
    protocol: spokenVersions.newest,
    remoteAddress: "192.0.2.1",
    close: () => undefined,
    ...link
  })
  const directives = yield* Queue.unbounded<Directive>()
  const policies = yield* Queue.unbounded<AgentPolicy>()
  const given = yield* connection.directives(have)
  yield* Stream.fromQueue(given).pipe(
    Stream.runForEach((directive) =>
      directive._tag === "Policy" ? Queue.offer(policies, directive.policy) : Queue.offer(directives, directive)
    ),
    Effect.forkScoped
  )
  return { connection, directives, policies }
})

type Deploy = Extract<Directive, { readonly _tag: "Deploy" }>
export const nextDeploy = Effect.fnUntraced(function* (directives: Queue.Dequeue<Directive>) {
  const directive = yield* Queue.take(directives)
  assert.strictEqual(directive._tag, "Deploy")
  return directive as Deploy
})
export const generationOf = (update: BundleUpdate) =>
  update._tag === "Full" ? update.bundle.generation : update.generation

export const outcome = (deploy: Deploy, status: DeploymentStatus, serving: Generation | null): DeploymentOutcome => ({
  ...plainOutcome,
  id: deploy.deployment_id,
  generation: generationOf(deploy.update),
  status,
  serving_generation: serving
})
export const settled = (deploy: Deploy) => ({ outcomes: [outcome(deploy, "settled", generationOf(deploy.update))] })
