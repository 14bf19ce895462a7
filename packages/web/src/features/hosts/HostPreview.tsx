/** What an agent's nginx would be given, rendered by the master as one types, and what nginx would refuse. */
import { Alert, Code, Select, Stack, Text } from "@mantine/core"
import { useDebouncedValue } from "@mantine/hooks"
import type { AgentId, VirtualHostId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { Preview } from "@nxmesh/protocol/api/Preview"
import type { VirtualHostCreate } from "@nxmesh/protocol/model/VirtualHost"
import { AsyncResult } from "effect/reactivity"
import { useEffect, useState } from "react"
import { Api, call } from "../../api/Api.ts"
import { everything } from "../../api/Live.ts"
import type { Failure } from "../../api/Failure.ts"
import { useAtomValue } from "../../atoms/UseAtom.ts"
import { DiffText } from "../../ui/DiffText.tsx"
import { FailureAlert } from "../../ui/Loaded.tsx"

const agentsMax = 100
const typingMillis = 300

const agentsAtom = (workspaceId: WorkspaceId) =>
  Api.query("agents", "list", {
    query: { page: 1, per_page: agentsMax, sort: "name", workspace_id: workspaceId },
    reactivityKeys: ["agent", everything]
  })

interface HostPreviewProps {
  readonly id: VirtualHostId | null
  readonly workspaceId: WorkspaceId
  /** `null` while the form holds what cannot be rendered. */
  readonly input: VirtualHostCreate | null
}

type Shown = { readonly value: Preview } | { readonly failure: Failure } | null

export const HostPreview = ({ id, input, workspaceId }: HostPreviewProps) => {
  const agents = AsyncResult.value(useAtomValue(agentsAtom(workspaceId)))
  const list = agents._tag === "Some" ? agents.value.data : []
  const [chosen, setChosen] = useState<AgentId | null>(null)
  const agentId = chosen ?? list[0]?.id ?? null
  const [settled] = useDebouncedValue(input, typingMillis)
  const [shown, setShown] = useState<Shown>(null)

  useEffect(() => {
    if (settled === null || agentId === null) return
    let isCurrent = true
    const drafts = [{ kind: "virtual_host" as const, id, data: settled }]
    void call((api) => api.agents.previewDrafts({ params: { id: agentId }, payload: { drafts } })).then((answer) => {
      if (isCurrent) setShown("value" in answer ? { value: answer.value.data } : answer)
    })
    return () => void (isCurrent = false)
  }, [agentId, id, settled])

  if (list.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        What nginx would be given is shown here as soon as the workspace has an agent.
      </Text>
    )
  }
  return (
    <Stack gap="sm">
      <Select
        label="As rendered for"
        allowDeselect={false}
        data={list.map((agent) => ({ value: agent.id, label: agent.name }))}
        value={agentId}
        onChange={(value) => setChosen(value as AgentId | null)}
      />
      {shown !== null && "failure" in shown && <FailureAlert failure={shown.failure} />}
      {shown !== null && "value" in shown && <Rendered preview={shown.value} />}
    </Stack>
  )
}

const Rendered = ({ preview: { changes, clashes, problems } }: { readonly preview: Preview }) => (
  <Stack gap="sm" aria-live="polite">
    {problems.map(({ message, severity }) => (
      <Alert
        key={message}
        color={severity === "error" ? "red" : "yellow"}
        title={severity === "error" ? "nginx would not get it" : "A warning"}
      >
        <Code block>{message}</Code>
      </Alert>
    ))}
    {clashes.map(({ message }) => (
      <Alert key={message} color="red" title="It clashes">
        {message}
      </Alert>
    ))}
    {changes.length === 0 ? (
      <Text size="sm" c="dimmed">
        The agent serves exactly this.
      </Text>
    ) : (
      changes.map(({ diff, path }) => <DiffText key={path} name={path} text={diff} />)
    )}
  </Stack>
)
