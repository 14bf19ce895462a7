/** What masters with a cluster secret say to each other before there is a cluster. */
import { Schema } from "effect"
import { MasterId } from "../Ids.ts"
import { Mac } from "./Joining.ts"

/** Made with the cluster secret, over the id, on this connection alone. */
export const FormingQuestion = Schema.Struct({ id: MasterId, mac: Mac })
export type FormingQuestion = typeof FormingQuestion.Type

export const FormingView = Schema.Struct({
  id: MasterId,
  /** It belongs to a cluster, which others may join. */
  formed: Schema.Boolean,
  /** The masters without a cluster that it sees, itself among them. */
  sees: Schema.Array(MasterId).check(Schema.isMaxLength(64))
})
export type FormingView = typeof FormingView.Type

/** The proof is made with the cluster secret, over the view, on this connection alone. */
export const FormingAnswer = Schema.Struct({ view: FormingView, mac: Mac })
export type FormingAnswer = typeof FormingAnswer.Type

export const formingProofPurposes = {
  question: "forming: question",
  answer: "forming: answer"
} as const

/** What an answer's proof is made over, before the channel binding. */
export const formingViewTexts = ({ formed, id, sees }: FormingView): ReadonlyArray<string> => [
  id,
  formed ? "formed" : "unformed",
  ...sees
]
