/** The addresses that the tree which serves was rendered with: inputs of rendering outside the generation's hash. */
import { Context, Layer, Ref } from "effect"
import type { AddressBook } from "../nginx/AddressBook.ts"

export class AddressesInUse extends Context.Service<AddressesInUse, Ref.Ref<AddressBook>>()(
  "@nxmesh/agent/deploy/AddressesInUse"
) {
  static readonly layer = Layer.effect(AddressesInUse, Ref.make<AddressBook>(new Map()))
}
