import { survivesEveryKill } from "./killed.js";

survivesEveryKill({
  words: ["recover-agent", "alice"],
  subject: "agent-vault: recover agent alice",
  at: { from: 3 },
  after: (before) => ({ ...before, rekeyed: ["alice"] }),
});
