/** What agents made of what they were sent, the newest first, with nginx's own words where it refused. */
import { Badge, Code, Text } from "@mantine/core"
import type { Deployment, DeploymentStatus } from "@nxmesh/protocol/model/Deployment"
import type { WorkspaceId } from "@nxmesh/protocol/Ids"
import { Link, useNavigate, useSearch } from "@tanstack/react-router"
import { Api } from "../../api/Api.ts"
import { everything } from "../../api/Live.ts"
import { useWorkspace } from "../../state/Workspace.ts"
import { Ago } from "../../ui/Ago.tsx"
import { Empty } from "../../ui/Empty.tsx"
import type { ListSearch } from "../../ui/ListSearch.ts"
import { Page } from "../../ui/Page.tsx"
import { type Column, ResourceTable } from "../../ui/ResourceTable.tsx"

const deploymentsAtom = ({ page }: ListSearch, workspaceId: WorkspaceId | null) =>
  Api.query("deployments", "list", {
    query: {
      page: page ?? 1,
      per_page: 50,
      sort: "-finished_at",
      ...(workspaceId === null ? {} : { workspace_id: workspaceId })
    },
    reactivityKeys: ["deployment", everything]
  })

const tones: Readonly<
  Record<DeploymentStatus, { readonly color: string; readonly sign: string; readonly word: string }>
> = {
  settled: { color: "green", sign: "●", word: "settled" },
  failed: { color: "red", sign: "✗", word: "refused" },
  rolled_back: { color: "orange", sign: "▲", word: "rolled back" },
  rollback_failed: { color: "red", sign: "✗", word: "rollback failed" },
  interrupted: { color: "gray", sign: "○", word: "interrupted" }
}

export const DeploymentBadge = ({ status }: { readonly status: DeploymentStatus }) => (
  <Badge variant="light" tt="none" color={tones[status].color}>
    <span aria-hidden="true">{tones[status].sign} </span>
    {tones[status].word}
  </Badge>
)

export const DeploymentTrouble = ({ error }: Pick<Deployment, "error">) =>
  error === null ? null : (
    <>
      <Code block>{error.message}</Code>
      {error.resource !== null && (
        <Text size="xs" c="dimmed">
          {error.resource.kind.replace("_", " ")} {error.resource.name}
        </Text>
      )}
    </>
  )

const columns: ReadonlyArray<Column<Deployment>> = [
  { title: "Outcome", cell: ({ status }) => <DeploymentBadge status={status} /> },
  {
    title: "Agent",
    cell: ({ agent_id }) => (
      <Link to="/agents/$id" params={{ id: agent_id }}>
        {agent_id.slice(-8)}
      </Link>
    )
  },
  { title: "Generation", cell: ({ generation }) => <span className="nx-mono">{generation.slice(0, 12)}</span> },
  {
    title: "Serving after",
    cell: ({ serving_after_millis }) => (serving_after_millis === null ? "–" : `${Math.round(serving_after_millis)} ms`)
  },
  { title: "When", cell: ({ finished_at }) => <Ago at={finished_at} /> },
  { title: "Why", cell: ({ error }) => <DeploymentTrouble error={error} /> }
]

export const Deployments = () => {
  const search = useSearch({ strict: false }) as ListSearch
  const navigate = useNavigate()
  const workspace = useWorkspace()
  return (
    <Page title="Deployments" about="Each attempt of an agent to serve what it should.">
      <ResourceTable
        name="Deployments"
        atom={deploymentsAtom(search, workspace)}
        columns={columns}
        keyOf={({ id }) => id}
        onPage={(page) => void navigate({ to: "/deployments", search: { page } })}
        empty={
          <Empty
            title="Nothing was deployed yet"
            text="What agents do with a change is listed here, a second after it is published."
          />
        }
      />
    </Page>
  )
}
