/** An address that is none. */
import { Link } from "@tanstack/react-router"
import { Empty } from "./Empty.tsx"
import { Page } from "./Page.tsx"

export const NotFound = () => (
  <Page title="Not found">
    <Empty
      title="There is no such page"
      text="The address may be mistyped, or of another version of NxMesh."
      action={<Link to="/">To the dashboard</Link>}
    />
  </Page>
)
