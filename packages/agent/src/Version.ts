/** The version that the agent reports; a release sets it together with package.json. */
export const agentVersion = "0.1.0"
