/** Signing in: the page of whoever is not, and the layer over the page of whoever was. */
import { Alert, Button, Center, Modal, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core"
import { Cause, Effect, Exit } from "effect"
import { type FormEvent, useState } from "react"
import { type Failure, failureOf } from "../../api/Failure.ts"
import { signIn } from "../../api/Session.ts"

const SignInForm = ({ email: known }: { readonly email?: string }) => {
  const [email, setEmail] = useState(known ?? "")
  const [password, setPassword] = useState("")
  const [failure, setFailure] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    const exit = await Effect.runPromiseExit(signIn(email, password))
    setBusy(false)
    if (Exit.isFailure(exit)) setFailure(failureOf(exit.cause as Cause.Cause<unknown>))
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="sm">
        {failure !== null && (
          <Alert color="red" title="You are not signed in" role="alert">
            {failure.message}
          </Alert>
        )}
        <TextInput
          label="Email"
          type="email"
          name="email"
          autoComplete="username"
          required
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          name="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button type="submit" loading={busy} fullWidth mt="xs">
          Sign in
        </Button>
      </Stack>
    </form>
  )
}

export const SignInPage = () => (
  <Center component="main" mih="100vh" p="md">
    <div className="nx-panel" style={{ width: "min(380px, 100%)" }}>
      <Stack gap="md" p="xs">
        <div>
          <Title order={1} size="h3">
            NxMesh
          </Title>
          <Text c="dimmed" size="sm">
            Sign in to the control plane of your nginx fleet.
          </Text>
        </div>
        <SignInForm />
      </Stack>
    </div>
  </Center>
)

/** Over the page, which stays as it is below: nothing that was typed is lost. */
export const SignInAgain = ({ email }: { readonly email?: string | undefined }) => (
  <Modal opened onClose={() => undefined} withCloseButton={false} title="Your session has ended" centered>
    <Text size="sm" mb="sm">
      Sign in again to go on. What you have typed is kept.
    </Text>
    <SignInForm {...(email === undefined ? {} : { email })} />
  </Modal>
)
