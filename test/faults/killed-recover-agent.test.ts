import { survivesEveryKill } from "./killed.js";

survivesEveryKill({
  words: ["recover-agent", "alice"],
  subject: "agent-vault: recover agent alice",
  at: { eachThirdFrom: 2 },
  after: (before) => ({ ...before, rekeyed: ["alice"] }),
});
