/** How masters that form a cluster show each other that they know its secret. Pure. */
import { isKeyProof, keyProof } from "@nxmesh/core/crypto/KeyProof"
import type { MasterId } from "@nxmesh/protocol/Ids"
import {
  type FormingAnswer,
  formingProofPurposes,
  type FormingQuestion,
  type FormingView,
  formingViewTexts
} from "@nxmesh/protocol/peer/Forming"
import { Redacted } from "effect"

export type ClusterSecret = Redacted.Redacted<Uint8Array>

export const questionOf = (secret: ClusterSecret, id: MasterId, binding: Uint8Array): FormingQuestion => ({
  id,
  mac: keyProof(Redacted.value(secret), formingProofPurposes.question, [id, binding])
})

export const isQuestion = (secret: ClusterSecret, { id, mac }: FormingQuestion, binding: Uint8Array): boolean =>
  isKeyProof(mac, Redacted.value(secret), formingProofPurposes.question, [id, binding])

export const answerOf = (secret: ClusterSecret, view: FormingView, binding: Uint8Array): FormingAnswer => ({
  view,
  mac: keyProof(Redacted.value(secret), formingProofPurposes.answer, [...formingViewTexts(view), binding])
})

export const isAnswer = (secret: ClusterSecret, { mac, view }: FormingAnswer, binding: Uint8Array): boolean =>
  isKeyProof(mac, Redacted.value(secret), formingProofPurposes.answer, [...formingViewTexts(view), binding])
