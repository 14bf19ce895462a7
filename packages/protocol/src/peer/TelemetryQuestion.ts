/** What masters ask each other about what their agents told. Question and answer are JSON in a text: who asks and who answers decode it. */
import { Schema } from "effect"
import { Limits } from "../Limits.ts"

export const PeerTelemetryQuestion = Schema.Struct({
  /** Which part of the master answers. */
  tag: Schema.String.check(Schema.isMaxLength(64)),
  question: Schema.String.check(Schema.isMaxLength(Limits.telemetryQuestionCharactersMax))
})
export type PeerTelemetryQuestion = typeof PeerTelemetryQuestion.Type

export const PeerTelemetryAnswer = Schema.Struct({ answer: Schema.String })
export type PeerTelemetryAnswer = typeof PeerTelemetryAnswer.Type
