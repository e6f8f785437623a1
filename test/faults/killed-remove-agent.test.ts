import { survivesEveryKill } from "./killed.js";
import { withReaders } from "./vault-at-work.js";

survivesEveryKill({
  words: ["remove-agent", "bob"],
  subject: "agent-vault: remove agent bob",
  at: { from: 5 },
  after: (before) => ({
    ...withReaders(before, (_secret, readers) => readers.filter((agent) => agent !== "bob")),
    agents: ["alice", "carol"],
  }),
});
