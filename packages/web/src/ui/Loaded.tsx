/** What was asked of the master: its shape while it comes, what went wrong with a way on, and then the thing itself. */
import { Alert, Button, Group, Skeleton, Stack, Text } from "@mantine/core"
import { type Atom, AsyncResult } from "effect/reactivity"
import type { ReactNode } from "react"
import { type Failure, failureOf } from "../api/Failure.ts"
import { registry } from "../atoms/Registry.ts"
import { useAtomValue } from "../atoms/UseAtom.ts"

export const FailureAlert = ({ failure, onRetry }: { readonly failure: Failure; readonly onRetry?: () => void }) => (
  <Alert
    color={failure.code === "FORBIDDEN" ? "gray" : "red"}
    title={failure.code === "FORBIDDEN" ? "Not allowed" : "It did not work"}
  >
    <Text size="sm">{failure.message}</Text>
    {failure.details.map(({ field, message }) => (
      <Text key={field + message} size="sm" className="nx-mono">
        {field}: {message}
      </Text>
    ))}
    {onRetry !== undefined && (
      <Group mt="sm">
        <Button size="xs" variant="default" onClick={onRetry}>
          Try again
        </Button>
      </Group>
    )}
  </Alert>
)

const Waiting = ({ lines }: { readonly lines: number }) => (
  <Stack gap="xs" aria-busy="true" aria-label="Loading">
    {Array.from({ length: lines }, (_, line) => (
      <Skeleton key={line} height={36} radius="sm" />
    ))}
  </Stack>
)

interface LoadedProps<A, E> {
  readonly atom: Atom.Atom<AsyncResult.AsyncResult<A, E>>
  readonly lines?: number
  readonly children: (value: A) => ReactNode
}

/** What was there before stays while it is read anew, and while the master cannot be reached. */
export const Loaded = <A, E>({ atom, children, lines = 5 }: LoadedProps<A, E>) => {
  const result = useAtomValue(atom)
  const value = AsyncResult.value(result)
  if (value._tag === "Some") return <>{children(value.value)}</>
  if (AsyncResult.isFailure(result)) {
    return <FailureAlert failure={failureOf(result.cause)} onRetry={() => registry.refresh(atom)} />
  }
  return <Waiting lines={lines} />
}
