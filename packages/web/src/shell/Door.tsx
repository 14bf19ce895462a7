/** Lets those in who are signed in, and asks the others. */
import { Center, Loader } from "@mantine/core"
import { sessionAtom } from "../api/Session.ts"
import { SignInAgain, SignInPage } from "../features/signin/SignIn.tsx"
import { useMe } from "../state/Me.ts"
import { useAtomValue } from "../atoms/UseAtom.ts"
import { Shell } from "./Shell.tsx"

const Inside = ({ expired }: { readonly expired: boolean }) => {
  const me = useMe()
  return (
    <>
      <Shell />
      {expired && <SignInAgain email={me?.email} />}
    </>
  )
}

export const Door = () => {
  const session = useAtomValue(sessionAtom)
  switch (session._tag) {
    case "Unknown":
      return (
        <Center mih="100vh">
          <Loader aria-label="Loading" />
        </Center>
      )
    case "SignedOut":
      return <SignInPage />
    case "SignedIn":
    case "Expired":
      return <Inside expired={session._tag === "Expired"} />
  }
}
