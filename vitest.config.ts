import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Each test has a home and a git configuration of its own; these guard against one that forgets.
    env: {
      AGENT_VAULT_AUDIT: "off",
      HOME: "/dev/null/home",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_NOSYSTEM: "1",
      NODE_EXTRA_CA_CERTS: "",
      CI: "",
    },
    pool: "forks",
    maxWorkers: 3,
  },
});
