/** A resource as a command carries it: apply stamps it. */
export const unstamped = <
  A extends { readonly created_at: unknown; readonly updated_at: unknown; readonly revision: unknown }
>({
  created_at: _created,
  revision: _revision,
  updated_at: _updated,
  ...content
}: A): Omit<A, "created_at" | "updated_at" | "revision"> => content

/** Stamps for content that is looked at before it is saved. */
export const neutralStamps = {
  created_at: "1970-01-01T00:00:00.000Z",
  updated_at: "1970-01-01T00:00:00.000Z",
  revision: 1
}
