/** One page of a list: a table that a narrow screen scrolls, how many there are, and the ways to the other pages. */
import { Group, Pagination, Table, Text } from "@mantine/core"
import type { Page as ApiPage } from "@nxmesh/protocol/api/Envelope"
import type { Atom, AsyncResult } from "effect/reactivity"
import type { ReactNode } from "react"
import { Loaded } from "./Loaded.tsx"

export interface Column<A> {
  readonly title: string
  readonly cell: (item: A) => ReactNode
}

interface ResourceTableProps<A, E> {
  /** Names the table for screen readers, and what is counted. */
  readonly name: string
  readonly atom: Atom.Atom<AsyncResult.AsyncResult<ApiPage<A>, E>>
  readonly columns: ReadonlyArray<Column<A>>
  readonly keyOf: (item: A) => string
  readonly empty: ReactNode
  readonly onPage?: (page: number) => void
}

export const ResourceTable = <A, E>({ atom, columns, empty, keyOf, name, onPage }: ResourceTableProps<A, E>) => (
  <Loaded atom={atom}>
    {({ data, meta }) =>
      data.length === 0 ? (
        <>{empty}</>
      ) : (
        <>
          <Table.ScrollContainer minWidth={640}>
            <Table highlightOnHover aria-label={name}>
              <Table.Thead>
                <Table.Tr>
                  {columns.map(({ title }) => (
                    <Table.Th key={title}>{title}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.map((item) => (
                  <Table.Tr key={keyOf(item)}>
                    {columns.map(({ cell, title }) => (
                      <Table.Td key={title}>{cell(item)}</Table.Td>
                    ))}
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              {meta.total} in all
            </Text>
            {onPage !== undefined && meta.total > meta.per_page && (
              <Pagination
                total={Math.ceil(meta.total / meta.per_page)}
                value={meta.page}
                onChange={onPage}
                size="sm"
                getControlProps={(control) => ({ "aria-label": `${control} page` })}
              />
            )}
          </Group>
        </>
      )
    }
  </Loaded>
)
