/** Every virtual host that one may see. */
import { Badge, Button, TextInput } from "@mantine/core"
import { useDebouncedCallback } from "@mantine/hooks"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Link, useNavigate, useSearch } from "@tanstack/react-router"
import { useState } from "react"
import { Api } from "../../api/Api.ts"
import { everything } from "../../api/Live.ts"
import { useMay } from "../../state/Me.ts"
import { useWorkspace } from "../../state/Workspace.ts"
import { Ago } from "../../ui/Ago.tsx"
import { Empty } from "../../ui/Empty.tsx"
import { Page } from "../../ui/Page.tsx"
import type { ListSearch } from "../../ui/ListSearch.ts"
import { type Column, ResourceTable } from "../../ui/ResourceTable.tsx"

const hostsAtom = ({ name, page }: ListSearch, workspaceId: VirtualHost["workspace_id"] | null) =>
  Api.query("virtualHosts", "list", {
    query: {
      page: page ?? 1,
      per_page: 50,
      sort: "name",
      ...(workspaceId === null ? {} : { workspace_id: workspaceId }),
      ...(name === undefined ? {} : { name })
    },
    reactivityKeys: ["virtual_host", everything]
  })

const columns: ReadonlyArray<Column<VirtualHost>> = [
  {
    title: "Name",
    cell: ({ id, name }) => (
      <Link to="/hosts/$id" params={{ id }}>
        {name}
      </Link>
    )
  },
  { title: "Server name", cell: ({ server_name }) => <span className="nx-mono">{server_name}</span> },
  { title: "Port", cell: ({ listen_port, ssl_enabled }) => `${listen_port}${ssl_enabled ? " · TLS" : ""}` },
  { title: "Locations", cell: ({ locations }) => locations.length },
  {
    title: "State",
    cell: ({ enabled }) => (
      <Badge variant="light" tt="none" color={enabled ? "green" : "gray"}>
        {enabled ? "● enabled" : "○ disabled"}
      </Badge>
    )
  },
  { title: "Changed", cell: ({ updated_at }) => <Ago at={updated_at} /> }
]

export const NewHostButton = () =>
  useMay("config:write") ? (
    <Button component={Link} to="/hosts/new">
      New virtual host
    </Button>
  ) : null

export const Hosts = () => {
  const search = useSearch({ strict: false }) as ListSearch
  const navigate = useNavigate()
  const workspace = useWorkspace()
  const [name, setName] = useState(search.name ?? "")
  const find = useDebouncedCallback(
    (text: string) => void navigate({ to: "/hosts", search: text === "" ? {} : { name: text }, replace: true }),
    250
  )
  return (
    <Page title="Virtual hosts" about="What nginx answers, by name and port." actions={<NewHostButton />}>
      <TextInput
        aria-label="Name"
        placeholder="Name"
        maw={320}
        value={name}
        onChange={(event) => {
          setName(event.currentTarget.value)
          find(event.currentTarget.value)
        }}
      />
      <ResourceTable
        name="Virtual hosts"
        atom={hostsAtom(search, workspace)}
        columns={columns}
        keyOf={({ id }) => id}
        onPage={(page) => void navigate({ to: "/hosts", search: { ...search, page } })}
        empty={
          search.name === undefined ? (
            <Empty
              title="No virtual hosts yet"
              text="The first one is served a second after it is published."
              action={<NewHostButton />}
            />
          ) : (
            <Empty
              title="No match"
              text={`No virtual host is called ${search.name}.`}
              action={<Link to="/hosts">Show all</Link>}
            />
          )
        }
      />
    </Page>
  )
}
