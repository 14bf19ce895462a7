/** Every agent that one may see, by what is asked for in the address. */
import { Group, Select, Table, Text, TextInput } from "@mantine/core"
import { useDebouncedCallback } from "@mantine/hooks"
import { type Agent, AgentState } from "@nxmesh/protocol/model/Agent"
import { Link, useNavigate, useSearch } from "@tanstack/react-router"
import { useState } from "react"
import { Api } from "../../api/Api.ts"
import { everything, liveAgentsAtom } from "../../api/Live.ts"
import { useAtomValue } from "../../atoms/UseAtom.ts"
import { useWorkspace } from "../../state/Workspace.ts"
import { AgentStateBadge } from "../../ui/AgentStateBadge.tsx"
import { Ago } from "../../ui/Ago.tsx"
import { Empty } from "../../ui/Empty.tsx"
import { Loaded } from "../../ui/Loaded.tsx"
import { Page } from "../../ui/Page.tsx"
import type { AgentsSearch } from "./AgentsSearch.ts"

const perPage = 50

const agentsAtom = (search: AgentsSearch, workspaceId: Agent["workspace_id"] | null) =>
  Api.query("agents", "list", {
    query: {
      page: search.page ?? 1,
      per_page: perPage,
      sort: "name",
      ...(workspaceId === null ? {} : { workspace_id: workspaceId }),
      ...(search.state === undefined ? {} : { state: search.state }),
      ...(search.name === undefined ? {} : { name: search.name }),
      ...(search.labels === undefined ? {} : { labels: search.labels })
    },
    reactivityKeys: ["agent", everything]
  })

const Rows = ({ agents }: { readonly agents: ReadonlyArray<Agent> }) => {
  const live = useAtomValue(liveAgentsAtom(agents.map(({ id }) => id).join(",")))
  const now = live._tag === "Success" ? live.value : new Map<string, never>()
  return agents.map((agent) => {
    const { desired_generation, last_seen_at, serving_generation, state, state_reason } = now.get(agent.id) ?? agent
    return (
      <Table.Tr key={agent.id}>
        <Table.Td>
          <Link to="/agents/$id" params={{ id: agent.id }}>
            {agent.name}
          </Link>
        </Table.Td>
        <Table.Td>
          <AgentStateBadge state={state} />
          {state_reason !== null && (
            <Text size="xs" c="dimmed" lineClamp={1} title={state_reason}>
              {state_reason}
            </Text>
          )}
        </Table.Td>
        <Table.Td>{desired_generation === serving_generation ? "serves it" : "not yet"}</Table.Td>
        <Table.Td>{agent.nginx_version ?? "–"}</Table.Td>
        <Table.Td className="nx-mono">
          {Object.entries(agent.labels)
            .map(([name, value]) => `${name}=${value}`)
            .join(" ")}
        </Table.Td>
        <Table.Td>
          <Ago at={last_seen_at} />
        </Table.Td>
      </Table.Tr>
    )
  })
}

export const Agents = () => {
  const search = useSearch({ strict: false }) as AgentsSearch
  const navigate = useNavigate()
  const workspace = useWorkspace()
  const [name, setName] = useState(search.name ?? "")
  const go = (next: AgentsSearch) => void navigate({ to: "/agents", search: next, replace: true })
  const searchName = useDebouncedCallback((text: string) => {
    const { name: _name, page: _page, ...rest } = search
    go(text === "" ? rest : { ...rest, name: text })
  }, 250)
  return (
    <Page title="Agents" about="One beside each nginx.">
      <Group>
        <TextInput
          aria-label="Name"
          placeholder="Name"
          value={name}
          onChange={(event) => {
            setName(event.currentTarget.value)
            searchName(event.currentTarget.value)
          }}
        />
        <Select
          aria-label="State"
          placeholder="Any state"
          clearable
          data={[...AgentState.literals]}
          value={search.state ?? null}
          onChange={(state) => {
            const { page: _page, state: _state, ...rest } = search
            go(state === null ? rest : { ...rest, state: state as AgentState })
          }}
        />
      </Group>
      <Loaded atom={agentsAtom(search, workspace)}>
        {({ data, meta }) =>
          data.length === 0 ? (
            <Empty title="No agents" text="None matches what is asked for here, or none has been enrolled yet." />
          ) : (
            <>
              <Table.ScrollContainer minWidth={640}>
                <Table highlightOnHover aria-label="Agents">
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>Name</Table.Th>
                      <Table.Th>State</Table.Th>
                      <Table.Th>Desired</Table.Th>
                      <Table.Th>nginx</Table.Th>
                      <Table.Th>Labels</Table.Th>
                      <Table.Th>Last seen</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    <Rows agents={data} />
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
              <Text size="sm" c="dimmed">
                {meta.total} agents
              </Text>
            </>
          )
        }
      </Loaded>
    </Page>
  )
}
