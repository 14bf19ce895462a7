/** One location of a virtual host: where it begins, and who answers. */
import { Button, Checkbox, Fieldset, Group, NumberInput, Select, Stack, Textarea, TextInput } from "@mantine/core"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { LocationDraft, Source } from "./HostDraft.ts"

const sourceWords: Readonly<Record<Source, string>> = {
  proxy_pass: "A backend by URL",
  upstream_id: "An upstream",
  root: "Files of a directory",
  return: "A fixed answer"
}

interface LocationFieldsProps {
  readonly at: number
  readonly location: LocationDraft
  readonly upstreams: ReadonlyArray<Upstream>
  readonly mayWriteSnippets: boolean
  readonly problem: (field: string) => string | undefined
  readonly onChange: (location: LocationDraft) => void
  readonly onRemove: (() => void) | null
}

const Target = ({ at, location, onChange, problem, upstreams }: LocationFieldsProps) => {
  const error = problem(`locations[${at}].${location.source}`) ?? problem(`locations[${at}]`)
  const set = (target: string) => onChange({ ...location, target })
  switch (location.source) {
    case "upstream_id":
      return (
        <Select
          label="Upstream"
          searchable
          data={upstreams.map(({ id, name }) => ({ value: id, label: name }))}
          value={location.target === "" ? null : location.target}
          onChange={(id) => set(id ?? "")}
          error={error}
        />
      )
    case "return":
      return (
        <Group align="flex-start" grow>
          <NumberInput
            label="Status"
            min={200}
            max={599}
            value={location.status}
            onChange={(status) => onChange({ ...location, status: Number(status) })}
            error={problem(`locations[${at}].return.status`)}
          />
          <TextInput
            label={location.status >= 300 && location.status < 400 ? "Where to" : "Text"}
            value={location.target}
            onChange={(event) => set(event.currentTarget.value)}
            error={problem(`locations[${at}].return.text`) ?? error}
          />
        </Group>
      )
    case "root":
    case "proxy_pass":
      return (
        <TextInput
          label={location.source === "root" ? "Directory" : "URL"}
          placeholder={location.source === "root" ? "/srv/www" : "http://127.0.0.1:9000"}
          value={location.target}
          onChange={(event) => set(event.currentTarget.value)}
          error={error}
        />
      )
  }
}

export const LocationFields = (props: LocationFieldsProps) => {
  const { at, location, mayWriteSnippets, onChange, onRemove, problem } = props
  return (
    <Fieldset legend={`Location ${location.path}`}>
      <Stack gap="sm">
        <Group grow align="flex-start">
          <TextInput
            label="Path"
            value={location.path}
            onChange={(event) => onChange({ ...location, path: event.currentTarget.value })}
            error={problem(`locations[${at}].path`)}
          />
          <Select
            label="Answered by"
            allowDeselect={false}
            data={Object.entries(sourceWords).map(([value, label]) => ({ value, label }))}
            value={location.source}
            onChange={(source) => onChange({ ...location, source: (source ?? "proxy_pass") as Source, target: "" })}
          />
        </Group>
        <Target {...props} />
        <Checkbox
          label="WebSockets"
          checked={location.websocket}
          onChange={(event) => onChange({ ...location, websocket: event.currentTarget.checked })}
        />
        {(mayWriteSnippets || location.snippet !== "") && (
          <Textarea
            label="Raw directives"
            description="As nginx reads them, inside this location."
            classNames={{ input: "nx-mono" }}
            autosize
            minRows={2}
            readOnly={!mayWriteSnippets}
            value={location.snippet}
            onChange={(event) => onChange({ ...location, snippet: event.currentTarget.value })}
            error={problem(`locations[${at}].snippet`)}
          />
        )}
        {onRemove !== null && (
          <Group justify="flex-end">
            <Button size="xs" variant="default" onClick={onRemove}>
              Remove {location.path}
            </Button>
          </Group>
        )}
      </Stack>
    </Fieldset>
  )
}
