/** One virtual host, or a new one: its form, its history, and its end. */
import { Button, Select, Tabs } from "@mantine/core"
import type { VirtualHostId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { useNavigate, useParams } from "@tanstack/react-router"
import { useState } from "react"
import { Api, call } from "../../api/Api.ts"
import { everything } from "../../api/Live.ts"
import { useMay } from "../../state/Me.ts"
import { useWorkspace, useWorkspaces } from "../../state/Workspace.ts"
import { Confirm } from "../../ui/Confirm.tsx"
import { Empty } from "../../ui/Empty.tsx"
import { Loaded } from "../../ui/Loaded.tsx"
import { Page } from "../../ui/Page.tsx"
import { toast } from "../../ui/Toasts.tsx"
import { HostEditor } from "./HostEditor.tsx"
import { HostHistory } from "./HostHistory.tsx"

const hostAtom = (id: VirtualHostId) =>
  Api.query("virtualHosts", "get", { params: { id }, headers: {}, reactivityKeys: [`virtual_host:${id}`, everything] })

const DeleteButton = ({ host }: { readonly host: VirtualHost }) => {
  const navigate = useNavigate()
  const [asked, setAsked] = useState(false)
  const remove = async () => {
    const answer = await call((api) => api.virtualHosts.remove({ params: { id: host.id }, query: {}, headers: {} }))
    if ("failure" in answer) return toast("bad", `${host.name} was not deleted`, answer.failure.message)
    toast("good", `${host.name} is deleted`)
    void navigate({ to: "/hosts" })
  }
  return (
    <>
      <Button variant="default" onClick={() => setAsked(true)}>
        Delete
      </Button>
      {asked && (
        <Confirm
          title={`Delete ${host.name}?`}
          verb="Delete"
          typed={host.name}
          onConfirm={remove}
          onClose={() => setAsked(false)}
        >
          nginx stops answering for {host.server_name} on port {host.listen_port}, on every agent that serves it.
        </Confirm>
      )}
    </>
  )
}

export const HostPage = () => {
  const { id } = useParams({ strict: false }) as { readonly id: VirtualHostId }
  const mayDelete = useMay("config:delete")
  return (
    <Loaded atom={hostAtom(id)}>
      {({ data: host }) => (
        <Page
          title={host.name}
          about={`${host.server_name}, port ${host.listen_port}`}
          actions={mayDelete && <DeleteButton host={host} />}
        >
          <Tabs defaultValue="edit" keepMounted={false}>
            <Tabs.List mb="md">
              <Tabs.Tab value="edit">Configuration</Tabs.Tab>
              <Tabs.Tab value="history">History</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="edit">
              <HostEditor key={host.id} host={host} workspaceId={host.workspace_id} />
            </Tabs.Panel>
            <Tabs.Panel value="history">
              <HostHistory host={host} />
            </Tabs.Panel>
          </Tabs>
        </Page>
      )}
    </Loaded>
  )
}

export const NewHostPage = () => {
  const workspaces = useWorkspaces()
  const current = useWorkspace()
  const [chosen, setChosen] = useState<WorkspaceId | null>(null)
  const workspaceId = chosen ?? current ?? workspaces[0]?.id ?? null
  return (
    <Page title="New virtual host">
      {workspaceId === null ? (
        <Empty
          title="No workspace yet"
          text="A virtual host lives in a workspace. Make an organization and a workspace first."
        />
      ) : (
        <>
          {current === null && workspaces.length > 1 && (
            <Select
              label="Workspace"
              maw={320}
              allowDeselect={false}
              data={workspaces.map(({ id, name }) => ({ value: id, label: name }))}
              value={workspaceId}
              onChange={(id) => setChosen(workspaces.find((one) => one.id === id)?.id ?? null)}
            />
          )}
          <HostEditor key={workspaceId} host={null} workspaceId={workspaceId} />
        </>
      )}
    </Page>
  )
}
