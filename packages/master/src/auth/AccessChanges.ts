/**
 * Whose access may have changed, as apply says it: whoever holds a connection open asks `Callers.standing` again then, and ends it
 * or takes away what is not theirs any more.
 */
import type { AppliedEvent } from "@nxmesh/protocol/Event"
import type { Principal } from "@nxmesh/protocol/Principal"
import { Context, Effect, Layer, Queue, Stream } from "effect"
import { Events } from "../state/Events.ts"

export type AccessChange =
  | { readonly _tag: "User"; readonly id: string }
  | { readonly _tag: "Session"; readonly id: string }
  | { readonly _tag: "ServiceAccount"; readonly id: string }
  /** A role, a group, a binding, the state as a whole: whom it concerns is not worth finding out. */
  | { readonly _tag: "Everyone" }

/** Pure: `null` when nobody's access follows from it. */
export const accessChange = ({ event }: Pick<AppliedEvent, "event">): AccessChange | null => {
  switch (event._tag) {
    case "SessionEnded":
      return { _tag: "Session", id: event.session_id }
    case "StateReset":
      return { _tag: "Everyone" }
    case "ResourceChanged":
      switch (event.kind) {
        case "user":
          return { _tag: "User", id: event.id }
        case "service_account":
          return { _tag: "ServiceAccount", id: event.id }
        case "role":
        case "group":
        case "role_binding":
        case "organization":
        case "workspace":
        case "api_key":
          return { _tag: "Everyone" }
        default:
          return null
      }
    default:
      return null
  }
}

export const concerns = (change: AccessChange, principal: Principal): boolean => {
  switch (change._tag) {
    case "Everyone":
      return true
    case "User":
      return principal._tag === "User" && principal.user_id === change.id
    case "Session":
      return principal._tag === "User" && principal.session_id === change.id
    case "ServiceAccount":
      return principal._tag === "ServiceAccount" && principal.service_account_id === change.id
  }
}

export class AccessChanges extends Context.Service<
  AccessChanges,
  {
    /** From the moment it is run. */
    readonly changes: Stream.Stream<AccessChange>
    /** Says each time that the principal's access may have changed. */
    readonly of: (principal: Principal) => Stream.Stream<void>
  }
>()("@nxmesh/master/auth/AccessChanges") {
  static readonly layer = Layer.effect(
    AccessChanges,
    Effect.map(Events, (events) => {
      const changes = Stream.unwrap(
        Effect.map(events.subscribe, (queue) => Stream.fromEffectRepeat(Queue.take(queue)))
      ).pipe(
        Stream.map(accessChange),
        Stream.filter((change) => change !== null)
      )
      return AccessChanges.of({
        changes,
        of: (principal) =>
          changes.pipe(
            Stream.filter((change) => concerns(change, principal)),
            Stream.map(() => undefined)
          )
      })
    })
  )
}
