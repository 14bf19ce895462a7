/** Is anything wrong, and what is there to do? */
import { Anchor, Group, SimpleGrid, Stack, Text, Tooltip } from "@mantine/core"
import { AgentState } from "@nxmesh/protocol/model/Agent"
import type { Overview } from "@nxmesh/protocol/live/LiveRpcs"
import { Link } from "@tanstack/react-router"
import { overviewAtom } from "../../api/Live.ts"
import { useAtomValue } from "../../atoms/UseAtom.ts"
import { useWorkspace } from "../../state/Workspace.ts"
import { agentTones } from "../../ui/AgentStateBadge.tsx"
import { Empty } from "../../ui/Empty.tsx"
import { Loaded } from "../../ui/Loaded.tsx"
import { Page, Panel } from "../../ui/Page.tsx"

const total = ({ agents }: Overview): number => Object.values(agents).reduce((sum, one) => sum + one, 0)

/** One bar over all agents: each part leads to the list of its state, and none is too thin to be seen. */
const StateBar = ({ overview }: { readonly overview: Overview }) => (
  <Stack gap="xs">
    <div className="nx-bar">
      {AgentState.literals
        .filter((state) => overview.agents[state] > 0)
        .map((state) => (
          <Tooltip key={state} label={`${overview.agents[state]} ${state}`}>
            <Link
              to="/agents"
              search={{ state }}
              aria-label={`${overview.agents[state]} agents are ${state}`}
              style={{
                flexGrow: overview.agents[state],
                background: `var(--mantine-color-${agentTones[state].color}-7)`
              }}
            />
          </Tooltip>
        ))}
    </div>
    <Group gap="md">
      {AgentState.literals.map((state) => (
        <Anchor key={state} component={Link} to="/agents" search={{ state } as never} size="sm" c="inherit">
          <span aria-hidden="true">{agentTones[state].sign}</span> {overview.agents[state]} {state}
        </Anchor>
      ))}
    </Group>
  </Stack>
)

const Figures = ({ overview }: { readonly overview: Overview }) => (
  <SimpleGrid cols={{ base: 1, sm: 3 }}>
    <Panel title="Agents">
      <Text size="xl" fw={700}>
        {total(overview)}
      </Text>
      <Text c="dimmed" size="sm">
        {overview.connected} connected
      </Text>
    </Panel>
    <Panel title="Serve what they should">
      <Text size="xl" fw={700}>
        {overview.converged} of {overview.connected}
      </Text>
      <Text c="dimmed" size="sm">
        {overview.converged === overview.connected
          ? "all that are connected"
          : `${overview.connected - overview.converged} not yet`}
      </Text>
    </Panel>
    <Panel title="Masters">
      <Text size="xl" fw={700}>
        {overview.cluster === null
          ? "–"
          : `${overview.cluster.masters.filter(({ healthy }) => healthy).length} of ${overview.cluster.masters.length}`}
      </Text>
      <Text c="dimmed" size="sm">
        {overview.cluster === null ? "you may not see the masters" : `${overview.cluster.failures_tolerated} may fail`}
      </Text>
    </Panel>
  </SimpleGrid>
)

export const Dashboard = () => {
  const workspace = useWorkspace()
  const result = useAtomValue(overviewAtom(workspace))
  const wrong = result._tag === "Success" && (result.value.agents.Degraded > 0 || result.value.agents.Offline > 0)
  return (
    <Page title="Dashboard" {...(wrong ? { mark: "✗" } : {})}>
      <Loaded atom={overviewAtom(workspace)}>
        {(overview) => (
          <Stack gap="md">
            {overview.cluster?.advice.map((advice) => (
              <Panel key={advice}>
                <Text size="sm">▲ {advice}</Text>
              </Panel>
            ))}
            <Figures overview={overview} />
            <Panel title="Agents by state">
              {total(overview) === 0 ? (
                <Empty title="No agents yet" text="An agent beside an nginx makes it serve what is configured here." />
              ) : (
                <StateBar overview={overview} />
              )}
            </Panel>
          </Stack>
        )}
      </Loaded>
    </Page>
  )
}
