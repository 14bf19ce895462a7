/**
 * What a start does about a deployment that a crash cut off: pure, from the journal and the link on disk. Everything
 * before `settle` is undone, because only what settled was proved; the master sends the generation again. From `settle` on
 * the proof was had, and only the record of it is missing.
 */
import type { Served } from "./Attempt.ts"
import type { JournalState } from "./JournalRecord.ts"

export type RecoveryDecision =
  /** Nothing was cut off. `relink` says that the link does not name what the journal says serves: it was moved or lost. */
  | { readonly _tag: "Nothing"; readonly served: Served; readonly relink: boolean }
  /** No tree of ours has ever served, or the one that did was lost with its directory: a baseline has to be made. */
  | { readonly _tag: "Baseline" }
  /** Cut off before the swap: nothing live changed, so the staged directory goes and the deployment counts as interrupted. */
  | { readonly _tag: "Discard"; readonly directory: string; readonly served: Served; readonly relink: boolean }
  /**
   * Cut off after the swap was journalled: the link goes back, and a running nginx is reloaded, because it may have read
   * the new tree (the signal may have been sent, or nginx may have started meanwhile).
   */
  | { readonly _tag: "Undo"; readonly directory: string; readonly to: Served }
  /** Proved, not yet recorded. */
  | { readonly _tag: "Finish"; readonly served: Served }

/** What is found on disk. */
export interface Found {
  /** What `current` names; `null` when there is no link. */
  readonly linkTarget: string | null
  /** The tree that the journal says serves is there. */
  readonly servedExists: boolean
}

export const decide = (state: JournalState, { linkTarget, servedExists }: Found): RecoveryDecision => {
  const { open, served } = state
  if (served === null || !servedExists) return { _tag: "Baseline" }
  const relink = linkTarget !== served.directory
  if (open === null) return { _tag: "Nothing", served, relink }
  switch (open.step) {
    case "render":
    case "stage":
    case "test":
      return { _tag: "Discard", directory: open.directory, served, relink }
    case "swap":
    case "reload":
    case "prove":
    case "rollback":
      return { _tag: "Undo", directory: open.directory, to: served }
    case "settle":
      // Should the link have been moved since, the proof is void.
      return linkTarget === open.directory
        ? {
            _tag: "Finish",
            served: { directory: open.directory, deploymentId: open.deploymentId, generation: open.generation }
          }
        : { _tag: "Undo", directory: open.directory, to: served }
  }
}
