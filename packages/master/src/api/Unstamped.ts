/** A resource as a command carries it: apply stamps it. */
export const unstamped = <
  A extends { readonly created_at: unknown; readonly updated_at: unknown; readonly revision: unknown }
>({
  created_at: _created,
  revision: _revision,
  updated_at: _updated,
  ...content
}: A): Omit<A, "created_at" | "updated_at" | "revision"> => content
