import { survivesEveryKill } from "./killed.js";

survivesEveryKill({
  words: ["recover-agent", "alice"],
  subject: "agent-vault: recover agent alice",
  after: (before) => ({ ...before, rekeyed: ["alice"] }),
});
