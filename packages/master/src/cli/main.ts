/** `nxmesh`: the entry of the operator's command line. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Exit } from "effect"
import { program } from "./Program.ts"

NodeRuntime.runMain(
  program(process.argv.slice(2)).pipe(Effect.provide([NodeServices.layer, NodeHttpClient.layerNodeHttp])),
  {
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(exit.value) : 1)
  }
)
