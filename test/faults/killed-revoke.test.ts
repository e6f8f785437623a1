import { survivesEveryKill } from "./killed.js";
import { withReaders } from "./vault-at-work.js";

survivesEveryKill({
  words: ["revoke", "alice", "stripe"],
  subject: "agent-vault: revoke stripe from alice",
  at: { from: 0 },
  after: (before) => withReaders(before, (_secret, readers) => readers.filter((agent) => agent !== "alice")),
});
