/**
 * Identifiers. Every id is a UUID (RFC 9562; version 7 when NxMesh makes it) and branded, so that the id of one kind
 * of thing cannot be passed for another's.
 */
import { Schema } from "effect"

const uuid = Schema.String.check(Schema.isUUID())

export const OrganizationId = uuid.pipe(Schema.brand("OrganizationId"))
export type OrganizationId = typeof OrganizationId.Type

export const WorkspaceId = uuid.pipe(Schema.brand("WorkspaceId"))
export type WorkspaceId = typeof WorkspaceId.Type

export const AgentId = uuid.pipe(Schema.brand("AgentId"))
export type AgentId = typeof AgentId.Type

export const EnrolmentTokenId = uuid.pipe(Schema.brand("EnrolmentTokenId"))
export type EnrolmentTokenId = typeof EnrolmentTokenId.Type

export const VirtualHostId = uuid.pipe(Schema.brand("VirtualHostId"))
export type VirtualHostId = typeof VirtualHostId.Type

export const UpstreamId = uuid.pipe(Schema.brand("UpstreamId"))
export type UpstreamId = typeof UpstreamId.Type

export const CertificateId = uuid.pipe(Schema.brand("CertificateId"))
export type CertificateId = typeof CertificateId.Type

export const TemplateId = uuid.pipe(Schema.brand("TemplateId"))
export type TemplateId = typeof TemplateId.Type

export const ConfigVersionId = uuid.pipe(Schema.brand("ConfigVersionId"))
export type ConfigVersionId = typeof ConfigVersionId.Type

export const DeploymentId = uuid.pipe(Schema.brand("DeploymentId"))
export type DeploymentId = typeof DeploymentId.Type

/** One request of a person to an agent. */
export const ActionId = uuid.pipe(Schema.brand("ActionId"))
export type ActionId = typeof ActionId.Type

export const UserId = uuid.pipe(Schema.brand("UserId"))
export type UserId = typeof UserId.Type

/** A login: the family of refresh tokens that descend from one password check. */
export const SessionId = uuid.pipe(Schema.brand("SessionId"))
export type SessionId = typeof SessionId.Type

export const GroupId = uuid.pipe(Schema.brand("GroupId"))
export type GroupId = typeof GroupId.Type

/** A role that people made; the built-in ones go by their names. */
export const RoleId = uuid.pipe(Schema.brand("RoleId"))
export type RoleId = typeof RoleId.Type

export const RoleBindingId = uuid.pipe(Schema.brand("RoleBindingId"))
export type RoleBindingId = typeof RoleBindingId.Type

export const ServiceAccountId = uuid.pipe(Schema.brand("ServiceAccountId"))
export type ServiceAccountId = typeof ServiceAccountId.Type

export const ApiKeyId = uuid.pipe(Schema.brand("ApiKeyId"))
export type ApiKeyId = typeof ApiKeyId.Type

export const IdentityProviderId = uuid.pipe(Schema.brand("IdentityProviderId"))
export type IdentityProviderId = typeof IdentityProviderId.Type

export const AlertRuleId = uuid.pipe(Schema.brand("AlertRuleId"))
export type AlertRuleId = typeof AlertRuleId.Type

export const AlertSilenceId = uuid.pipe(Schema.brand("AlertSilenceId"))
export type AlertSilenceId = typeof AlertSilenceId.Type

export const WebhookId = uuid.pipe(Schema.brand("WebhookId"))
export type WebhookId = typeof WebhookId.Type

/** One version of a secret. Generations hash this id, so re-wrapping a key moves no fleet. */
export const SecretVersionId = uuid.pipe(Schema.brand("SecretVersionId"))
export type SecretVersionId = typeof SecretVersionId.Type

export const CommandId = uuid.pipe(Schema.brand("CommandId"))
export type CommandId = typeof CommandId.Type

export const ClusterId = uuid.pipe(Schema.brand("ClusterId"))
export type ClusterId = typeof ClusterId.Type

/** One master: random, made in its data directory. A wiped disk is another master (design-cluster.md 2). */
export const MasterId = uuid.pipe(Schema.brand("MasterId"))
export type MasterId = typeof MasterId.Type

export const JoinTokenId = uuid.pipe(Schema.brand("JoinTokenId"))
export type JoinTokenId = typeof JoinTokenId.Type

/** Which of an agent's session keys signed a call: primary and secondary differ in it. */
export const KeyId = uuid.pipe(Schema.brand("KeyId"))
export type KeyId = typeof KeyId.Type

/** SHA-256 in lower-case hexadecimal. */
export const Sha256 = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)).pipe(Schema.brand("Sha256"))
export type Sha256 = typeof Sha256.Type

/** A bundle's content hash: it names what an agent should serve. */
export const Generation = Sha256.pipe(Schema.brand("Generation"))
export type Generation = typeof Generation.Type
