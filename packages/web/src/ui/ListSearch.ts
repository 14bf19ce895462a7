/** What the address of a plain list asks for. What is not understood is left out. */
export interface ListSearch {
  readonly name?: string
  readonly page?: number
}

export const readListSearch = (search: Record<string, unknown>): ListSearch => {
  const page = Number(search["page"])
  const name = search["name"]
  return {
    ...(typeof name === "string" && name !== "" ? { name } : {}),
    ...(Number.isInteger(page) && page > 1 ? { page } : {})
  }
}
