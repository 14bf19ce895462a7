import { assert, describe, it } from "@effect/vitest"
import { listQueryOf, pageOf } from "../../src/api/Pagination.ts"

describe("Pagination", () => {
  it("keeps the filters of the request in its links", () => {
    const url = "/api/v1/agents?state=Online&page=2&per_page=10"
    assert.deepStrictEqual(pageOf(url, { page: 2, per_page: 10 }, { items: ["a"], total: 21 }), {
      data: ["a"],
      meta: { page: 2, per_page: 10, total: 21 },
      links: {
        self: "/api/v1/agents?state=Online&page=2&per_page=10",
        next: "/api/v1/agents?state=Online&page=3&per_page=10",
        prev: "/api/v1/agents?state=Online&page=1&per_page=10"
      }
    })
  })

  it("has no neighbours where there are none, and leads back from beyond the end", () => {
    const links = (page: number, total: number) => pageOf("/x", { page, per_page: 10 }, { items: [], total }).links
    assert.deepStrictEqual(links(1, 10), { self: "/x?page=1", next: null, prev: null })
    assert.deepStrictEqual(links(1, 0), { self: "/x?page=1", next: null, prev: null })
    assert.deepStrictEqual(links(9, 15), { self: "/x?page=9", next: null, prev: "/x?page=2" })
  })

  it("asks the state for column, direction and filters", () => {
    const query = { page: 1, per_page: 5, sort: "-created_at", name: "a", enabled: true }
    assert.deepStrictEqual(listQueryOf(query, { organization_id: "o" }), {
      page: 1,
      perPage: 5,
      sort: "created_at",
      descending: true,
      filters: { name: "a", enabled: "true", organization_id: "o" }
    })
  })
})
