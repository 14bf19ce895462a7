/** A virtual host being written: the form, what nginx would be given, and the one button that publishes it. */
import { Alert, Button, Grid, Group, Stack, TextInput } from "@mantine/core"
import type { VirtualHostId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { useNavigate } from "@tanstack/react-router"
import { AsyncResult } from "effect/reactivity"
import { useState } from "react"
import { Api, call } from "../../api/Api.ts"
import { type Failure, fieldErrors } from "../../api/Failure.ts"
import { everything } from "../../api/Live.ts"
import { useAtomValue } from "../../atoms/UseAtom.ts"
import { useMay } from "../../state/Me.ts"
import { FailureAlert } from "../../ui/Loaded.tsx"
import { Panel } from "../../ui/Page.tsx"
import { toast } from "../../ui/Toasts.tsx"
import { Conflict } from "./Conflict.tsx"
import { draftOf, type HostDraft, readDraft } from "./HostDraft.ts"
import { HostFields } from "./HostFields.tsx"
import { HostPreview } from "./HostPreview.tsx"
import { useDraft } from "./UseDraft.ts"

const choicesMax = 200

const upstreamsAtom = (workspaceId: WorkspaceId) =>
  Api.query("upstreams", "list", {
    query: { page: 1, per_page: choicesMax, sort: "name", workspace_id: workspaceId },
    reactivityKeys: ["upstream", everything]
  })
const certificatesAtom = (workspaceId: WorkspaceId) =>
  Api.query("certificates", "list", {
    query: { page: 1, per_page: choicesMax, sort: "name", workspace_id: workspaceId },
    reactivityKeys: ["certificate", everything]
  })

interface HostEditorProps {
  readonly workspaceId: WorkspaceId
  /** `null`: a new one. */
  readonly host: VirtualHost | null
}

const publish = (draft: HostDraft, workspaceId: WorkspaceId, host: VirtualHost | null, summary: string) => {
  const read = readDraft(draft, workspaceId)
  if (read._tag === "Invalid") return Promise.resolve({ problems: read.problems })
  const said = summary.trim() === "" ? {} : { change_summary: summary }
  if (host === null) {
    return call((api) => api.virtualHosts.create({ query: {}, headers: {}, payload: { ...read.input, ...said } }))
  }
  const { workspace_id: _workspace, ...patch } = read.input
  return call((api) =>
    api.virtualHosts.change({
      params: { id: host.id },
      query: {},
      headers: { "if-match": `"${host.revision}"` },
      payload: { ...patch, ...said }
    })
  )
}

export const HostEditor = ({ host, workspaceId }: HostEditorProps) => {
  const navigate = useNavigate()
  const mayWrite = useMay("config:write")
  const mayWriteSnippets = useMay("config:snippet")
  const upstreams = AsyncResult.value(useAtomValue(upstreamsAtom(workspaceId)))
  const certificates = AsyncResult.value(useAtomValue(certificatesAtom(workspaceId)))
  const { base, draft, forget, isChanged, rebase, setDraft } = useDraft(host, workspaceId)
  const [summary, setSummary] = useState("")
  const [failure, setFailure] = useState<Failure | null>(null)
  const [told, setTold] = useState<Readonly<Record<string, string>>>({})
  const [theirs, setTheirs] = useState<VirtualHost | null>(null)
  const [busy, setBusy] = useState(false)

  const read = readDraft(draft, workspaceId)
  const problem = (field: string) => told[field]

  const save = async (over: VirtualHost | null) => {
    setBusy(true)
    const answer = await publish(draft, workspaceId, over, summary)
    setBusy(false)
    if ("problems" in answer) return setTold(answer.problems)
    setTold({})
    if ("value" in answer) {
      forget()
      setSummary("")
      toast("good", `${draft.name} is published`, "Agents have it in a moment: see Deployments.")
      return void navigate({ to: "/hosts/$id", params: { id: answer.value.data.id } })
    }
    if (answer.failure.code === "PRECONDITION_FAILED" && host !== null) return readTheirs(host.id)
    setTold(fieldErrors(answer.failure))
    setFailure(answer.failure)
  }

  const readTheirs = async (id: VirtualHostId) => {
    const now = await call((api) => api.virtualHosts.get({ params: { id }, headers: {} }))
    if ("value" in now) setTheirs(now.value.data)
    else setFailure(now.failure)
  }

  return (
    <Grid>
      <Grid.Col span={{ base: 12, lg: 7 }}>
        <Stack gap="md">
          {host !== null && base !== null && host.revision !== base.revision && isChanged && (
            <Alert color="orange" title="Somebody saved this meanwhile">
              What you have typed is kept. When you publish, you see both versions.
            </Alert>
          )}
          {failure !== null && <FailureAlert failure={failure} />}
          <HostFields
            draft={draft}
            upstreams={upstreams._tag === "Some" ? upstreams.value.data : []}
            certificates={certificates._tag === "Some" ? certificates.value.data : []}
            mayWriteSnippets={mayWriteSnippets}
            problem={problem}
            onChange={(next) => {
              setFailure(null)
              setDraft(next)
            }}
          />
          {mayWrite && (
            <Panel title="Publish">
              <Stack gap="sm">
                <TextInput
                  label="What this changes"
                  description="One line for the history. Left empty, the changed fields are named."
                  value={summary}
                  onChange={(event) => setSummary(event.currentTarget.value)}
                />
                <Group justify="flex-end">
                  <Button variant="default" disabled={!isChanged} onClick={forget}>
                    Discard
                  </Button>
                  <Button loading={busy} disabled={!isChanged} onClick={() => void save(base)}>
                    Publish
                  </Button>
                </Group>
              </Stack>
            </Panel>
          )}
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 5 }}>
        <Panel title="What nginx would be given">
          <HostPreview
            id={host?.id ?? null}
            workspaceId={workspaceId}
            input={read._tag === "Valid" ? read.input : null}
          />
        </Panel>
      </Grid.Col>
      {theirs !== null && (
        <Conflict
          mine={draft}
          theirs={theirs}
          onClose={() => setTheirs(null)}
          onTakeTheirs={() => {
            rebase(theirs, draftOf(theirs))
            setTheirs(null)
          }}
          onKeepMine={() => {
            rebase(theirs, draft)
            setTheirs(null)
            void save(theirs)
          }}
        />
      )}
    </Grid>
  )
}
