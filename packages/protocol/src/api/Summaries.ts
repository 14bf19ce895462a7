/** What each operation does, in a few words, for the OpenAPI document: by its name, which is `group.endpoint`. */

interface Noun {
  readonly one: string
  readonly many: string
}

const nouns: Readonly<Record<string, Noun>> = {
  organizations: { one: "an organization", many: "organizations" },
  workspaces: { one: "a workspace", many: "workspaces" },
  agents: { one: "an agent", many: "agents" },
  virtualHosts: { one: "a virtual host", many: "virtual hosts" },
  upstreams: { one: "an upstream", many: "upstreams" },
  certificates: { one: "a certificate", many: "certificates" },
  templates: { one: "a template", many: "templates" },
  deployments: { one: "a deployment", many: "deployments" },
  alerts: { one: "an alert", many: "alerts, the newest first" },
  alertRules: { one: "an alert rule", many: "alert rules" },
  alertSilences: { one: "a silence", many: "silences" },
  webhooks: { one: "a webhook", many: "webhooks" },
  users: { one: "a user", many: "users" },
  roles: { one: "a role", many: "roles" },
  groups: { one: "a group", many: "groups" },
  roleBindings: { one: "a role binding", many: "role bindings" },
  serviceAccounts: { one: "a service account", many: "service accounts" }
}

/** Endpoints that several groups have. */
const common: Readonly<Record<string, (noun: Noun) => string>> = {
  list: ({ many }) => `List ${many}`,
  create: ({ one }) => `Create ${one}`,
  get: ({ one }) => `Get ${one}`,
  change: ({ one }) => `Change ${one}: the fields given are replaced, the others stay`,
  remove: ({ one }) => `Delete ${one}`,
  versions: ({ one }) => `List the versions of ${one}, newest first, also after its delete`,
  version: ({ one }) => `Get one version of ${one}`,
  rollback: ({ one }) => `Go back to a version of ${one}, as a new version; brings back a deleted one`,
  diff: ({ one }) => `Compare two versions of ${one}: its fields, and the nginx text they render to`
}

const own: Readonly<Record<string, string>> = {
  "organizations.workspaces": "List the workspaces of an organization",
  "organizations.createWorkspace": "Create a workspace in an organization",
  "agents.register": "Create an agent with a token, and the command that enrols it",
  "agents.tokens": "List the enrolment tokens of an agent, without their text",
  "agents.createToken": "Issue an enrolment token, shown this once",
  "agents.revokeToken": "Revoke an enrolment token",
  "agents.preview": "Show the files an agent should serve, and how they differ from what it serves",
  "agents.previewDrafts": "The same as if the drafts were saved; nothing is changed",
  "agents.preflight": "Ask the agent's nginx what it says of the configuration with the drafts; nothing is changed",
  "agents.act":
    "Start, stop, reload, restart, test, roll back or upgrade the agent's nginx, or put the agent in maintenance",
  "agents.actions": "List what was asked of the agent, the newest first, with what became of it",
  "agents.action": "Get what became of an action",
  "agents.deploy": "Deploy again to an agent that is connected",
  "users.me": "Get the user who asks, with what they may do where",
  "roles.builtIn": "List the built-in roles",
  "users.changePassword": "Change the own password; ends the user's other sessions",
  "sessions.mine": "List the own sessions, the newest first",
  "sessions.endMine": "End one of the own sessions",
  "sessions.endMyOthers": "End all own sessions but the one that asks",
  "sessions.ofUser": "List the sessions of a user, the newest first",
  "sessions.endOfUser": "End a session of a user",
  "sessions.endAllOfUser": "End all sessions of a user",
  "passwords.createLink": "Issue a link by which a user sets a password, shown this once: an invitation or a reset",
  "passwords.set": "Set a user's password, which has to be changed at the next login; ends the user's sessions",
  "passwords.redeem": "Set the own password with the token of a link, which is used up",
  "serviceAccounts.keys": "List the API keys of a service account, without their text",
  "serviceAccounts.createKey": "Issue an API key, shown this once",
  "serviceAccounts.revokeKey": "Revoke an API key",
  "webhooks.create": "Create a webhook; the secret that signs its messages is shown this once",
  "webhooks.replaceSecret": "Give a webhook a new secret at once, shown this once",
  "webhooks.test": "Send a message without alerts to a webhook, and get how that ended",
  "webhooks.deliveries": "List the last messages to a webhook, the newest first",
  "watch.watch": "Wait for changes after an index of the log",
  "cluster.status": "Get how the cluster stands: its masters, who leads, and what to do",
  "cluster.masters": "List the masters, with how each was last found",
  "cluster.master": "Get a master, with how it was last found",
  "cluster.removeMaster": "Remove a master for good; refused when the others would be no majority",
  "cluster.setVoting": "Demote a master to a listener, or let it vote",
  "cluster.handOver": "Ask the leader to hand over",
  "cluster.joinTokens": "List the join tokens, without their text",
  "cluster.createJoinToken": "Issue a token by which a master joins, shown this once",
  "cluster.revokeJoinToken": "Revoke a join token",
  "cluster.backup": "Take a backup of the whole state, as a stream; secrets in it are sealed with the key file",
  "cluster.setVersion": "Raise the cluster's version by one, once every master knows the next",
  "cluster.setFreeze": "Freeze deployments in the whole cluster, or unfreeze them",
  "settings.get": "Get what holds for the whole installation",
  "settings.change":
    "Change what holds for the whole installation: the fields given are replaced, the others stay, null takes a section back to its defaults",
  "audit.list": "List what happened, the newest first",
  "audit.get": "Get one entry of the audit",
  "audit.head":
    "Get where the audit's chain ends, signed: kept elsewhere, it proves later that nothing before was changed",
  "audit.keys": "Get the public keys that heads of the audit were ever signed with",
  "audit.verify": "Read the whole chain of the audit and say whether it is whole",
  "audit.export": "Export the audit as lines of JSON, with a signed head",
  "audit.cut": "Forget the oldest entries of the audit, which an export keeps",
  "accessLogs.list": "List lines of access logs, the newest first",
  "accessLogs.export": "Export lines of access logs as lines of JSON",
  "accessLogs.aggregate": "Count requests by group and time, with their bytes, latencies and share of errors",
  "accessLogs.tail": "Follow access logs as server-sent events",
  "errorLogs.list": "List messages of nginx's and the agents' error logs, the newest first",
  "telemetry.health": "List the health reports of an agent, the newest first",
  "telemetry.metrics": "Get the metrics of an agent by step: samples as they came, or rolled up by minute or hour",
  "telemetry.agentEvents": "List what happened to an agent, the newest first",
  "telemetry.events": "List what happened in the fleet, the newest first",
  "telemetry.fleet": "Get what all visible agents together served, by step",
  "graphql.graphql": "Ask the access logs in GraphQL: accessLogs, accessLogAggregate",
  "keys.status": "Get which keys the cluster goes by, and how their rotation stands",
  "keys.rotateEncryption": "Replace the key-encryption key by the one beside the key file of every master",
  "keys.rotateSigning": "Make a new key that signs access tokens",
  "keys.rotateAgents": "Give every agent a new session key, little by little",
  "auth.login": "Log in with email and password",
  "auth.refresh": "Get new tokens for a refresh token, which is used up",
  "auth.logout": "End the session",
  "wellKnown.jwks": "Get the public keys that access tokens are signed with"
}

/** `undefined` for an operation that nobody has put into words yet. */
export const summaryOf = (operationId: string): string | undefined => {
  const [group = "", endpoint = ""] = operationId.split(".")
  const noun = nouns[group]
  return own[operationId] ?? (noun === undefined ? undefined : common[endpoint]?.(noun))
}
