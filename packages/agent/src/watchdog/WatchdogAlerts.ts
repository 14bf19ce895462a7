/** What the watchdog has an operator know. Pure. */
import type { Alert } from "@nxmesh/protocol/model/Health"
import { isOurs, type Keeper, whatToDo as byHand } from "../nginx/Keeper.ts"
import type { Trouble } from "./Remedies.ts"
import { isAtEnd, type State } from "./WatchdogMachine.ts"

const what: Readonly<Record<Trouble, string>> = {
  gone: "nginx does not run",
  crashing: "nginx's workers die again and again",
  silent: "nginx runs and answers nobody on the agent's proof socket",
  mismatch: "nginx serves another deployment than the one that settled last"
}

const whatToDo: Readonly<Record<Trouble, string>> = {
  gone: "look into its error log; the agent goes on trying every few minutes",
  crashing: 'look for "exited on signal" in its error log: a module or a broken binary is a likely cause',
  silent: "look at the load of the machine and at nginx's error log, then restart nginx",
  mismatch: "see nginx's error log for why it does not take a reload"
}

const of = (severity: Alert["severity"], code: string, message: string): Alert => ({
  severity,
  code,
  message: message.slice(0, 1_024)
})

export const alertsOf = (
  state: State,
  { keeper, lastError }: { readonly keeper: Keeper; readonly lastError: string | null }
): ReadonlyArray<Alert> => {
  const { climbed, left, trouble } = state
  const canStart = isOurs(keeper)
  const alerts: Array<Alert> = []
  if (trouble !== null) {
    const tried = climbed[trouble]
    const why = lastError === null ? "" : ` (${lastError})`
    const does = isAtEnd(state, canStart)
      ? of(
          "critical",
          "watchdog_gave_up",
          `${what[trouble]}${why}; ${trouble === "gone" && !canStart ? byHand(keeper) : whatToDo[trouble]}`
        )
      : of("warning", "watchdog_acting", `${what[trouble]}${why}; the agent has acted ${tried} times`)
    alerts.push(does)
  } else if (Object.values(climbed).some((tried) => tried > 0)) {
    const troubles = (Object.keys(climbed) as ReadonlyArray<Trouble>).filter((one) => climbed[one] > 0)
    alerts.push(
      of(
        "warning",
        "watchdog_acted",
        `nginx was in trouble a short while ago: ${troubles.map((one) => what[one]).join("; ")}`
      )
    )
  }
  if (left !== null && left !== state.generation) {
    alerts.push(
      of("critical", "fell_back", `nginx could not live with generation ${left}, and serves the one before it`)
    )
  }
  return alerts
}
