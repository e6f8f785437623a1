import { survivesEveryKill } from "./killed.js";
import { withReaders } from "./vault-at-work.js";

survivesEveryKill({
  words: ["grant", "carol", "stripe"],
  subject: "agent-vault: grant stripe to carol",
  at: { from: 1 },
  after: (before) =>
    withReaders(before, (secret, readers) => (secret.startsWith("stripe/") ? [...new Set([...readers, "carol"])] : readers)),
});
