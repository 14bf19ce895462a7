/** Why a versioned resource changed, in the words of whoever changes it (CM-003). Never part of the resource itself. */
import { Schema } from "effect"
import { ChangeSummaryInput } from "../model/ConfigVersion.ts"

const summary = { change_summary: Schema.optionalKey(ChangeSummaryInput) }

/** A creating or changing request with the summary of its version. Without one, the master names the fields that change. */
export const summarized = <Fields extends Schema.Struct.Fields>(schema: Schema.Struct<Fields>, identifier: string) =>
  Schema.Struct({ ...schema.fields, ...summary }).annotate({ identifier })

/** What such a request says. */
export type Summarized<Request> = Request & { readonly change_summary?: string }

/** What may be said with a delete, which has no body: in the query. */
export const removalQuery = Schema.Struct(summary)
