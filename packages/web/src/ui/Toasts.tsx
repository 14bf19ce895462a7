/** Short news of what was just done, read out by screen readers. Each goes by itself, and what failed stays until it is closed. */
import { Notification, Stack } from "@mantine/core"
import { useTimeout } from "@mantine/hooks"
import { Atom } from "effect/reactivity"
import { registry } from "../atoms/Registry.ts"
import { useAtomValue } from "../atoms/UseAtom.ts"

interface Toast {
  readonly id: number
  readonly tone: "good" | "bad"
  readonly title: string
  readonly text?: string | undefined
}

const toastsMax = 4
const shownMillis = 5_000
const toastsAtom = Atom.keepAlive(Atom.make<ReadonlyArray<Toast>>([]))
let count = 0

export const toast = (tone: Toast["tone"], title: string, text?: string): void => {
  count += 1
  const next: Toast = { id: count, tone, title, text }
  registry.update(toastsAtom, (toasts) => [...toasts, next].slice(-toastsMax))
}

const close = (id: number) => registry.update(toastsAtom, (toasts) => toasts.filter((one) => one.id !== id))

const Shown = ({ toast: { id, text, title, tone } }: { readonly toast: Toast }) => {
  useTimeout(() => tone === "good" && close(id), shownMillis, { autoInvoke: true })
  return (
    <Notification
      color={tone === "good" ? "mesh" : "red"}
      title={title}
      onClose={() => close(id)}
      closeButtonProps={{ "aria-label": "Close" }}
      withBorder
    >
      {text}
    </Notification>
  )
}

export const Toasts = () => (
  <Stack
    role="status"
    aria-live="polite"
    gap="xs"
    style={{ position: "fixed", right: 16, bottom: 16, zIndex: 500, maxWidth: "min(420px, calc(100vw - 32px))" }}
  >
    {useAtomValue(toastsAtom).map((one) => (
      <Shown key={one.id} toast={one} />
    ))}
  </Stack>
)
