// `npm run format`: formats everything, or the paths given.

import { inCheckout } from "./tooling/Checkout.ts"
import { runNode } from "./tooling/Program.ts"

const paths = process.argv.slice(2)
const outcome = await runNode([inCheckout("node_modules/oxfmt/bin/oxfmt"), ...(paths.length > 0 ? paths : ["."])], {
  output: "inherit"
})
process.exitCode = outcome.exitCode
