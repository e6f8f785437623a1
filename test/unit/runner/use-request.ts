import { NO_COMMAND, type UseRequest } from "#runner/index.js";

/** What an agent asks for, as it mostly is. */
export const REQUEST: UseRequest = {
  ...NO_COMMAND,
  action: "run",
  door: "cli",
  byToken: false,
  secrets: [
    { secret: "db/url", groups: [], environment: "staging", provider: undefined, access: "read", tags: [] },
    { secret: "stripe/api-key", groups: [], environment: "production", provider: "stripe", access: "read-write", tags: [] },
  ],
  principal: { role: "agent", name: "bot", identity: "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq" },
  invocation: { user: "eric", harness: undefined, folder: "/home/eric/shop", repository: "https://example.com/shop", branch: "main" },
  command: ["npm", "run", "deploy", "--", "--to=the shop"],
  reason: "to deploy",
  service: undefined,
};

/** A request made to be shown as something else. */
export const HOSTILE = {
  escapes: "\u001B[2J\u001B]0;title\u0007\u001B[1A\u009B31m",
  lines: "x\r\nSecrets     | test/harmless (test, read)\nType once\u2028\u2029\u0085",
  bidi: "\u202Egpj.exe\u2066\u2069\u200F",
  unseen: "a\u200B\u200C\u200D\u2060\u00AD\uFEFF\u3164\u2800\u00A0\u3000\u{E0041}b",
  piled: `e${"\u0301".repeat(50)}`,
  markup: "<b>bold</b> &lt; <img src=http://example.com/x> <script>alert(1)</script> %n \\n \\u001b _x",
  injection: `" & (do shell script "touch /tmp/pwned") & "; $(touch /tmp/pwned) \`touch /tmp/pwned\` '; Start-Process calc; '`,
};
