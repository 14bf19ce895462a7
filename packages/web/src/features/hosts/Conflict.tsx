/** Somebody else saved meanwhile: both versions field by field, and the person says which one counts. */
import { Button, Group, Modal, Stack, Table, Text } from "@mantine/core"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { draftOf, hostInput, type HostDraft } from "./HostDraft.ts"

export interface FieldConflict {
  readonly field: string
  readonly mine: string
  readonly theirs: string
}

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value, null, 2))

/** Pure: the fields in which what is typed and what is saved now differ. */
export const conflicts = (mine: HostDraft, theirs: VirtualHost): ReadonlyArray<FieldConflict> => {
  const left: Readonly<Record<string, unknown>> = hostInput(mine)
  const right: Readonly<Record<string, unknown>> = hostInput(draftOf(theirs))
  return Object.keys(right)
    .filter((field) => JSON.stringify(left[field]) !== JSON.stringify(right[field]))
    .map((field) => ({ field, mine: shown(left[field]), theirs: shown(right[field]) }))
}

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
