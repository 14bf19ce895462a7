/** One agent: how it is and why, and what it should serve. */
import { SimpleGrid, Stack, Text } from "@mantine/core"
import type { AgentId } from "@nxmesh/protocol/Ids"
import { useParams } from "@tanstack/react-router"
import { Api } from "../../api/Api.ts"
import { everything } from "../../api/Live.ts"
import { AgentStateBadge } from "../../ui/AgentStateBadge.tsx"
import { Ago } from "../../ui/Ago.tsx"
import { Loaded } from "../../ui/Loaded.tsx"
import { Page, Panel } from "../../ui/Page.tsx"

const agentAtom = (id: AgentId) =>
  Api.query("agents", "get", {
    params: { id },
    headers: {},
    reactivityKeys: [`agent:${id}`, "deployment", everything]
  } as never)

export const AgentDetail = () => {
  const { id } = useParams({ strict: false }) as { readonly id: AgentId }
  return (
    <Loaded atom={agentAtom(id)}>
      {({ data: agent }: { readonly data: import("@nxmesh/protocol/model/Agent").Agent }) => (
        <Page
          title={agent.name}
          about={agent.state_reason ?? undefined}
          actions={<AgentStateBadge state={agent.state} />}
        >
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Panel title="nginx">
              <Stack gap={4}>
                <Text size="sm">version {agent.nginx_version ?? "not known"}</Text>
                <Text size="sm">
                  last seen <Ago at={agent.last_seen_at} />
                </Text>
              </Stack>
            </Panel>
            <Panel title="Generation">
              <Text size="sm" className="nx-mono">
                should serve {agent.desired_generation.slice(0, 12)}
              </Text>
              <Text size="sm" className="nx-mono">
                serves {agent.serving_generation?.slice(0, 12) ?? "nothing yet"}
              </Text>
            </Panel>
          </SimpleGrid>
        </Page>
      )}
    </Loaded>
  )
}
