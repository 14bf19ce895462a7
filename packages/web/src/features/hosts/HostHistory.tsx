/** Every version of a virtual host, how any two differ, and the way back. */
import { Button, Group, Modal, Stack, Table, Text } from "@mantine/core"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { ConfigVersion } from "@nxmesh/protocol/model/ConfigVersion"
import { useState } from "react"
import { Api, call } from "../../api/Api.ts"
import { everything } from "../../api/Live.ts"
import { useMay } from "../../state/Me.ts"
import { Ago } from "../../ui/Ago.tsx"
import { Confirm } from "../../ui/Confirm.tsx"
import { DiffText } from "../../ui/DiffText.tsx"
import { Loaded } from "../../ui/Loaded.tsx"
import { toast } from "../../ui/Toasts.tsx"

const versionsAtom = (id: VirtualHost["id"]) =>
  Api.query("virtualHosts", "versions", {
    params: { id },
    query: { page: 1, per_page: 50 },
    reactivityKeys: [`virtual_host:${id}`, everything]
  })

const diffAtom = (id: VirtualHost["id"], from: number, to: number) =>
  Api.query("virtualHosts", "diff", { params: { id }, query: { from, to } })

const Difference = ({
  from,
  id,
  onClose,
  to
}: {
  readonly id: VirtualHost["id"]
  readonly from: number
  readonly to: number
  readonly onClose: () => void
}) => (
  <Modal
    opened
    onClose={onClose}
    size="xl"
    title={`From version ${from} to ${to}`}
    closeButtonProps={{ "aria-label": "Close" }}
  >
    <Loaded atom={diffAtom(id, from, to)}>
      {({ data }) => (
        <Stack gap="sm">
          {data.rendered.length === 0 && <Text size="sm">nginx is given the same by both.</Text>}
          {data.rendered.map(({ diff, path }) => (
            <DiffText key={path} name={path} text={diff} />
          ))}
        </Stack>
      )}
    </Loaded>
  </Modal>
)

export const HostHistory = ({ host }: { readonly host: VirtualHost }) => {
  const mayWrite = useMay("config:write")
  const [compared, setCompared] = useState<readonly [number, number] | null>(null)
  const [back, setBack] = useState<ConfigVersion | null>(null)
  const rollBack = async (version: number) => {
    const answer = await call((api) =>
      api.virtualHosts.rollback({ params: { id: host.id }, query: {}, headers: {}, payload: { version } })
    )
    if ("value" in answer) toast("good", `${host.name} is as it was in version ${version}`)
    else toast("bad", "It was not rolled back", answer.failure.message)
  }
  return (
    <Loaded atom={versionsAtom(host.id)}>
      {({ data }) => (
        <>
          <Table.ScrollContainer minWidth={480}>
            <Table aria-label="Versions">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Version</Table.Th>
                  <Table.Th>What</Table.Th>
                  <Table.Th>When</Table.Th>
                  <Table.Th>
                    <span className="nx-skip">Actions</span>
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.map((version, at) => (
                  <Table.Tr key={version.id}>
                    <Table.Td>{version.version_number}</Table.Td>
                    <Table.Td>{version.change_summary}</Table.Td>
                    <Table.Td>
                      <Ago at={version.created_at} />
                    </Table.Td>
                    <Table.Td>
                      <Group gap="xs" justify="flex-end" wrap="nowrap">
                        {version.version_number > 1 && (
                          <Button
                            size="compact-xs"
                            variant="default"
                            onClick={() => setCompared([version.version_number - 1, version.version_number])}
                          >
                            Compare
                          </Button>
                        )}
                        {mayWrite && at > 0 && (
                          <Button size="compact-xs" variant="default" onClick={() => setBack(version)}>
                            Roll back
                          </Button>
                        )}
                      </Group>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          {compared !== null && (
            <Difference id={host.id} from={compared[0]} to={compared[1]} onClose={() => setCompared(null)} />
          )}
          {back !== null && (
            <Confirm
              title={`Roll ${host.name} back to version ${back.version_number}?`}
              verb={`Roll back to ${back.version_number}`}
              onConfirm={() => rollBack(back.version_number)}
              onClose={() => setBack(null)}
            >
              It becomes a version of its own, and every agent that serves {host.server_name} gets it at once.
            </Confirm>
          )}
        </>
      )}
    </Loaded>
  )
}
