import { survivesEveryKill } from "./killed.js";

survivesEveryKill({
  words: ["set", "stripe/key-3", "--exact"],
  input: "another value",
  subject: "agent-vault: set stripe/key-3",
  after: (before) => ({
    ...before,
    secrets: { ...before.secrets, "stripe/key-3": { ...before.secrets["stripe/key-3"]!, value: "another value" } },
  }),
});
