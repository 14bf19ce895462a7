/**
 * What a start does about a deployment that a crash cut off: pure, from the journal, the link on disk and what nginx
 * answers. What nginx took is completed: clients see it already, and going back would take it away from them for the
 * while until the master sends it again. Everything else before `settle` is undone, because only what settled was
 * proved. From `settle` on the proof was had, and only the record of it is missing.
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
  /** nginx serves the new tree, and whether old workers still take connections is not known: it is proved once more. */
  | { readonly _tag: "Complete"; readonly directory: string; readonly to: Served; readonly otherwise: Served }
  /** Proved, not yet recorded. */
  | { readonly _tag: "Finish"; readonly served: Served }

/** What is found on disk. */
export interface Found {
  /** What `current` names; `null` when there is no link. */
  readonly linkTarget: string | null
  /** The tree that the journal says serves is there. */
  readonly servedExists: boolean
  /** The deployment whose workers answer on the proof socket; `null` when nobody does. */
  readonly answering: string | null
}

/** Whether it matters who answers: only a deployment that may have been signalled can have been taken. */
export const mayHaveBeenTaken = ({ open }: JournalState, linkTarget: string | null): boolean =>
  open !== null && (open.step === "reload" || open.step === "prove") && linkTarget === open.directory

export const decide = (state: JournalState, { answering, linkTarget, servedExists }: Found): RecoveryDecision => {
  const { open, served } = state
  if (served === null || !servedExists) return { _tag: "Baseline" }
  const relink = linkTarget !== served.directory
  if (open === null) return { _tag: "Nothing", served, relink }
  switch (open.step) {
    case "render":
    case "stage":
    case "test":
      return { _tag: "Discard", directory: open.directory, served, relink }
    case "reload":
    case "prove":
      return mayHaveBeenTaken(state, linkTarget) && answering === open.deploymentId
        ? { _tag: "Complete", directory: open.directory, to: attempted(open), otherwise: served }
        : { _tag: "Undo", directory: open.directory, to: served }
    case "swap":
    case "rollback":
      return { _tag: "Undo", directory: open.directory, to: served }
    case "settle":
      // Should the link have been moved since, the proof is void.
      return linkTarget === open.directory
        ? { _tag: "Finish", served: attempted(open) }
        : { _tag: "Undo", directory: open.directory, to: served }
  }
}

const attempted = ({ deploymentId, directory, generation }: NonNullable<JournalState["open"]>): Served => ({
  directory,
  deploymentId,
  generation
})
