/** The masters: who leads, who is behind, what may be lost, and the changes that are made of it. */
import { Alert, Badge, Button, Group, SimpleGrid, Stack, Table, Text } from "@mantine/core"
import type { Cluster, Master } from "@nxmesh/protocol/model/ClusterStatus"
import { useState } from "react"
import { call } from "../../api/Api.ts"
import { overviewAtom } from "../../api/Live.ts"
import { useMay } from "../../state/Me.ts"
import { Confirm } from "../../ui/Confirm.tsx"
import { Empty } from "../../ui/Empty.tsx"
import { Loaded } from "../../ui/Loaded.tsx"
import { Page, Panel } from "../../ui/Page.tsx"
import { toast } from "../../ui/Toasts.tsx"

type Asked = { readonly _tag: "Lead" | "Remove"; readonly master: Master } | { readonly _tag: "Freeze" }

const gibibytes = (bytes: number): string => `${(bytes / 1_073_741_824).toFixed(1)} GiB`

const MasterRow = ({
  ask,
  mayWrite,
  master
}: {
  readonly master: Master
  readonly mayWrite: boolean
  readonly ask: (asked: Asked) => void
}) => (
  <Table.Tr>
    <Table.Td>{master.name}</Table.Td>
    <Table.Td>
      <Badge variant="light" tt="none" color={master.role === "leader" ? "mesh" : "gray"}>
        {master.role}
      </Badge>
    </Table.Td>
    <Table.Td>
      {master.healthy ? "● well" : "✗ not well"}
      {master.problem !== null && (
        <Text size="xs" c="dimmed">
          {master.problem}
        </Text>
      )}
    </Table.Td>
    <Table.Td>{master.lag_entries === null ? "–" : master.lag_entries}</Table.Td>
    <Table.Td>{master.version ?? "–"}</Table.Td>
    <Table.Td>{master.disk === null ? "–" : `${gibibytes(master.disk.free_bytes)} free`}</Table.Td>
    <Table.Td>
      {mayWrite && (
        <Group gap="xs" justify="flex-end" wrap="nowrap">
          {master.role === "voter" && (
            <Button size="compact-xs" variant="default" onClick={() => ask({ _tag: "Lead", master })}>
              Make it lead
            </Button>
          )}
          <Button size="compact-xs" variant="default" onClick={() => ask({ _tag: "Remove", master })}>
            Remove
          </Button>
        </Group>
      )}
    </Table.Td>
  </Table.Tr>
)

const ConfirmAsked = ({
  asked,
  cluster,
  onClose
}: {
  readonly asked: Asked
  readonly cluster: Cluster
  readonly onClose: () => void
}) => {
  const told = (what: string) => (answer: Awaited<ReturnType<typeof call>>) =>
    "failure" in answer ? toast("bad", "It was not done", answer.failure.message) : toast("good", what)
  switch (asked._tag) {
    case "Lead":
      return (
        <Confirm
          title={`Make ${asked.master.name} lead?`}
          verb="Hand over"
          onClose={onClose}
          onConfirm={() =>
            call((api) => api.cluster.handOver({ payload: { to: asked.master.id } })).then(
              told(`${asked.master.name} takes over`)
            )
          }
        >
          Changes wait for some tens of milliseconds. Agents notice nothing.
        </Confirm>
      )
    case "Remove":
      return (
        <Confirm
          title={`Remove ${asked.master.name}?`}
          verb={`Remove ${asked.master.name}`}
          typed={asked.master.name}
          onClose={onClose}
          onConfirm={() =>
            call((api) => api.cluster.removeMaster({ params: { id: asked.master.id } })).then(
              told(`${asked.master.name} is removed`)
            )
          }
        >
          {cluster.voters - 1} masters will count for majorities. Its agents go to the others.
        </Confirm>
      )
    case "Freeze":
      return (
        <Confirm
          title={cluster.frozen ? "Let deployments go on?" : "Freeze deployments?"}
          verb={cluster.frozen ? "Unfreeze" : "Freeze"}
          onClose={onClose}
          onConfirm={() =>
            call((api) =>
              api.cluster.setFreeze({
                payload: { frozen: !cluster.frozen, reason: cluster.frozen ? "" : "frozen in the console" }
              })
            ).then(told(cluster.frozen ? "Deployments go on" : "Deployments are frozen"))
          }
        >
          {cluster.frozen
            ? "Every agent that is behind gets what it should serve at once."
            : "No agent is told to deploy anything until it is lifted. What is served goes on."}
        </Confirm>
      )
  }
}

const Members = ({ cluster }: { readonly cluster: Cluster }) => {
  const mayWrite = useMay("cluster:write")
  const [asked, setAsked] = useState<Asked | null>(null)
  return (
    <Stack gap="md">
      {cluster.frozen && (
        <Alert color="orange" title="Deployments are frozen">
          {cluster.freeze_reason}
        </Alert>
      )}
      {cluster.advice.map((advice) => (
        <Alert key={advice} color="yellow" title="Advice">
          {advice}
        </Alert>
      ))}
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        {(
          [
            ["Term", cluster.term],
            ["Committed", cluster.commit_index],
            ["May fail", cluster.failures_tolerated],
            ["Cluster version", cluster.cluster_version]
          ] as const
        ).map(([title, value]) => (
          <Panel key={title} title={title}>
            <Text size="xl" fw={700}>
              {value}
            </Text>
          </Panel>
        ))}
      </SimpleGrid>
      <Panel title="Masters">
        <Table.ScrollContainer minWidth={640}>
          <Table aria-label="Masters">
            <Table.Thead>
              <Table.Tr>
                {["Name", "Role", "Health", "Behind by", "Version", "Disk"].map((title) => (
                  <Table.Th key={title}>{title}</Table.Th>
                ))}
                <Table.Td />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {cluster.masters.map((master) => (
                <MasterRow key={master.id} master={master} mayWrite={mayWrite} ask={setAsked} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Panel>
      {mayWrite && (
        <Group>
          <Button variant="default" onClick={() => setAsked({ _tag: "Freeze" })}>
            {cluster.frozen ? "Lift the freeze" : "Freeze deployments"}
          </Button>
        </Group>
      )}
      {asked !== null && <ConfirmAsked asked={asked} cluster={cluster} onClose={() => setAsked(null)} />}
    </Stack>
  )
}

export const ClusterPage = () => (
  <Page title="Cluster" about="The masters, as the one that answers sees them.">
    <Loaded atom={overviewAtom(null)}>
      {({ cluster }) =>
        cluster === null ? (
          <Empty title="Not allowed" text="This needs the permission cluster:read." />
        ) : (
          <Members cluster={cluster} />
        )
      }
    </Loaded>
  </Page>
)
