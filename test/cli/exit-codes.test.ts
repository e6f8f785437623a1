import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exitCodeOf } from "#vault/errors.js";
import { errorCode, Sandbox } from "../support/sandbox.js";
import { resign } from "../support/signing.js";
import { makeVault } from "../support/vault.js";

describe("exit codes", () => {
  it("are those of what was found, where a report was printed", async () => {
    const box = new Sandbox();
    await makeVault(box, { "stripe/api-key": "sk_live_51H8x" });
    rmSync(join(box.vault, "secrets/stripe/api-key.enc"));
    expect((await box.cli(["check"])).code).toBe(exitCodeOf("CHECK_FAILED"));
  });

  it("are 124 for a command that ran out of time", async () => {
    const box = new Sandbox();
    await makeVault(box, { "stripe/api-key": "sk_live_51H8x" });
    const node = [process.execPath, "-e", "setInterval(() => {}, 1000)"];
    const { code } = await box.cli(["run", "--secret", "stripe/api-key", "--timeout", "1s", "--", ...node]);
    expect(code).toBe(exitCodeOf("TIMED_OUT"));
  });

  it("tell metadata that cannot be read from what was tampered with", async () => {
    const box = new Sandbox();
    await makeVault(box, { "stripe/api-key": "sk_live_51H8x" });
    box.write(".agent-vault/secrets/stripe/api-key.meta", "name: api-key\ngroup: stripe\nexpires: [soon]\n");
    expect((await box.cli(["list"])).code).toBe(exitCodeOf("TAMPERED"));
    await expect(box.sign()).rejects.toMatchObject({ code: "INVALID_METADATA" });
    resign(box);
    const outcome = await box.cli(["set", "stripe/api-key", "--keep-value", "--description", "x"]);
    expect([outcome.code, errorCode(outcome)]).toEqual([exitCodeOf("INVALID_METADATA"), "INVALID_METADATA"]);
  });
});
