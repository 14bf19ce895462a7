/** What somebody has typed and not published, kept in the browser: it outlives the session, a reload, and the master. */
import type { WorkspaceId } from "@nxmesh/protocol/Ids"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { useState } from "react"
import { draftOf, emptyHost, type HostDraft } from "./HostDraft.ts"

interface Kept {
  /** What the draft was made from. */
  readonly base: VirtualHost | null
  readonly draft: HostDraft
}

const keyOf = (host: VirtualHost | null, workspaceId: WorkspaceId): string =>
  `nxmesh.draft.virtual_host.${host?.id ?? `new.${workspaceId}`}`

const fresh = (host: VirtualHost | null): Kept => ({ base: host, draft: host === null ? emptyHost : draftOf(host) })

const readKept = (key: string): Kept | null => {
  const text = localStorage.getItem(key)
  if (text === null) return null
  try {
    return JSON.parse(text) as Kept
  } catch {
    localStorage.removeItem(key)
    return null
  }
}

export const useDraft = (host: VirtualHost | null, workspaceId: WorkspaceId) => {
  const key = keyOf(host, workspaceId)
  const [kept, setKept] = useState<Kept | null>(() => readKept(key))
  const { base, draft } = kept ?? fresh(host)
  const keep = (next: Kept) => {
    localStorage.setItem(key, JSON.stringify(next))
    setKept(next)
  }
  return {
    base,
    draft,
    isChanged: kept !== null,
    setDraft: (next: HostDraft) => keep({ base, draft: next }),
    /** Goes on from what is saved now. */
    rebase: (now: VirtualHost, next: HostDraft) => keep({ base: now, draft: next }),
    forget: () => {
      localStorage.removeItem(key)
      setKept(null)
    }
  }
}
