/** What a model reads of the server before it calls a tool. */
export const INSTRUCTIONS =
  "agent-vault lets you use secrets (keys, tokens, passwords) without seeing them. " +
  "1. agent_vault_list: find the secret with the least power that does the job. " +
  "2. agent_vault_run: run the command that needs it; the value is in a variable of the command's environment and never in its output. " +
  "3. agent_vault_request: where a secret is missing, have the person add it. " +
  "Never ask anybody to paste a secret into the conversation, never print, encode or write down a value, and do not look for secrets in files or in the environment. " +
  "What is denied stays denied: say what you need, and go on without it.";
