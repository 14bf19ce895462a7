/** The form of a virtual host. */
import { Button, Checkbox, Fieldset, Group, NumberInput, Select, Stack, Textarea, TextInput } from "@mantine/core"
import type { Certificate } from "@nxmesh/protocol/model/Certificate"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import { emptyLocation, type HostDraft } from "./HostDraft.ts"
import { LocationFields } from "./LocationFields.tsx"

interface HostFieldsProps {
  readonly draft: HostDraft
  readonly upstreams: ReadonlyArray<Upstream>
  readonly certificates: ReadonlyArray<Certificate>
  readonly mayWriteSnippets: boolean
  readonly problem: (field: string) => string | undefined
  readonly onChange: (draft: HostDraft) => void
}

const switches = [
  ["enabled", "Enabled"],
  ["ssl_enabled", "TLS"],
  ["redirect_http", "Redirect from port 80"],
  ["http2_enabled", "HTTP/2"],
  ["gzip_enabled", "gzip"]
] as const

export const HostFields = ({
  certificates,
  draft,
  mayWriteSnippets,
  onChange,
  problem,
  upstreams
}: HostFieldsProps) => {
  const set = (change: Partial<HostDraft>) => onChange({ ...draft, ...change })
  const replace = (at: number, location: HostDraft["locations"][number]) =>
    set({ locations: draft.locations.map((one, index) => (index === at ? location : one)) })
  return (
    <Stack gap="md">
      <Fieldset legend="Name and port">
        <Stack gap="sm">
          <TextInput
            label="Name"
            required
            value={draft.name}
            onChange={(event) => set({ name: event.currentTarget.value })}
            error={problem("name")}
          />
          <Group grow align="flex-start">
            <TextInput
              label="Server name"
              description="One or more, by spaces."
              required
              value={draft.server_name}
              onChange={(event) => set({ server_name: event.currentTarget.value })}
              error={problem("server_name")}
            />
            <NumberInput
              label="Port"
              description="Where nginx listens."
              required
              min={1}
              max={65_535}
              value={draft.listen_port}
              onChange={(port) => set({ listen_port: Number(port) })}
              error={problem("listen_port")}
            />
          </Group>
          <Group gap="lg">
            {switches.map(([name, label]) => (
              <Checkbox
                key={name}
                label={label}
                checked={draft[name]}
                onChange={(event) => set({ [name]: event.currentTarget.checked })}
                error={problem(name)}
              />
            ))}
          </Group>
          {draft.ssl_enabled && (
            <Select
              label="Certificate"
              data={certificates.map(({ domain, id, name }) => ({ value: id, label: `${name} (${domain})` }))}
              value={draft.ssl_certificate_id}
              onChange={(id) => set({ ssl_certificate_id: id })}
              error={problem("ssl_certificate_id")}
            />
          )}
        </Stack>
      </Fieldset>
      {draft.locations.map((location, at) => (
        <LocationFields
          key={at}
          at={at}
          location={location}
          upstreams={upstreams}
          mayWriteSnippets={mayWriteSnippets}
          problem={problem}
          onChange={(changed) => replace(at, changed)}
          onRemove={
            draft.locations.length === 1
              ? null
              : () => set({ locations: draft.locations.filter((_, index) => index !== at) })
          }
        />
      ))}
      <Group>
        <Button
          variant="default"
          onClick={() => set({ locations: [...draft.locations, { ...emptyLocation, path: "/new" }] })}
        >
          Add a location
        </Button>
      </Group>
      {(mayWriteSnippets || draft.snippet !== "") && (
        <Textarea
          label="Raw directives"
          description="As nginx reads them, inside the server."
          classNames={{ input: "nx-mono" }}
          autosize
          minRows={3}
          readOnly={!mayWriteSnippets}
          value={draft.snippet}
          onChange={(event) => set({ snippet: event.currentTarget.value })}
          error={problem("snippet")}
        />
      )}
    </Stack>
  )
}
