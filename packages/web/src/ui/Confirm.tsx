/** Asks before something is done that is hard to undo, and names what it will touch. */
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core"
import { type ReactNode, useState } from "react"

interface ConfirmProps {
  readonly title: string
  readonly children: ReactNode
  /** Of the button that does it, as in `Delete shop`. */
  readonly verb: string
  /** Has to be typed first, where a mistake would cost much. */
  readonly typed?: string
  readonly onConfirm: () => Promise<void>
  readonly onClose: () => void
}

export const Confirm = ({ children, onClose, onConfirm, title, typed, verb }: ConfirmProps) => {
  const [text, setText] = useState("")
  const [busy, setBusy] = useState(false)
  const run = async () => {
    setBusy(true)
    await onConfirm()
    setBusy(false)
    onClose()
  }
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": "Close" }}>
      <Stack gap="sm">
        <Text size="sm" component="div">
          {children}
        </Text>
        {typed !== undefined && (
          <TextInput
            label={`Type ${typed} to go on`}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            data-autofocus
          />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            color="red"
            loading={busy}
            disabled={typed !== undefined && text !== typed}
            onClick={() => void run()}
          >
            {verb}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
