/** Somebody else saved meanwhile: both versions field by field, and the person says which one counts. */
import { Button, Group, Modal, Stack, Table, Text } from "@mantine/core"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { HostDraft } from "./HostDraft.ts"
import { conflicts } from "./HostConflicts.ts"

interface ConflictProps {
  readonly mine: HostDraft
  readonly theirs: VirtualHost
  readonly onTakeTheirs: () => void
  readonly onKeepMine: () => void
  readonly onClose: () => void
}

export const Conflict = ({ mine, onClose, onKeepMine, onTakeTheirs, theirs }: ConflictProps) => (
  <Modal
    opened
    onClose={onClose}
    size="xl"
    title="It was changed meanwhile"
    closeButtonProps={{ "aria-label": "Close" }}
  >
    <Stack gap="sm">
      <Text size="sm">
        Somebody saved this virtual host after you opened it. Nothing of yours is lost: choose which version goes on.
      </Text>
      <Table.ScrollContainer minWidth={480}>
        <Table aria-label="What differs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Field</Table.Th>
              <Table.Th>Yours</Table.Th>
              <Table.Th>Saved now</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {conflicts(mine, theirs).map(({ field, mine: left, theirs: right }) => (
              <Table.Tr key={field}>
                <Table.Td>{field}</Table.Td>
                <Table.Td className="nx-mono">{left}</Table.Td>
                <Table.Td className="nx-mono">{right}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Group justify="flex-end">
        <Button variant="default" onClick={onTakeTheirs}>
          Take what is saved
        </Button>
        <Button onClick={onKeepMine}>Publish mine over it</Button>
      </Group>
    </Stack>
  </Modal>
)
