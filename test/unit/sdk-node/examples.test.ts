import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import * as sdk from "#sdk-node/index.js";
import { sourceExamples } from "../../support/examples.js";
import { makeVault } from "../../support/vault.js";
import { prepared } from "../../support/sandbox.js";
import { outputOf, runProgram } from "./agents-machine.js";

const documented = prepared((box) =>
  makeVault(
    box,
    { "stripe/api-key": "sk_documented", "db/url": "postgres://localhost/shop", "payroll/password": "not the agent's" },
    { "billing-agent": ["stripe", "db"] },
  ),
);

const all = sourceExamples("sdk-node/src");

it("every method of Vault and every class of the package has an example", () => {
  const methods = Object.getOwnPropertyNames(sdk.Vault.prototype);
  const errors = Object.keys(sdk).filter((name) => name.endsWith("Error") && name !== "VaultError");
  const named = new Set(all.map(({ name }) => name));
  expect([...methods, ...errors].filter((name) => !named.has(name))).toEqual([]);
});

it("every example prints what its comments say", async () => {
  const box = await documented();
  const outputs = all.map(({ name, text }, index) => outputOf(box, text, {}, join(box.root, `${name}-${index}.mjs`)));
  const said = ({ text }: { text: string }) =>
    Array.from(text.matchAll(/console\.log\(.*\/\/ (.*)$/gm), ([, output]) => output!).join("\n");
  expect((await Promise.all(outputs)).map((output) => output.trimEnd())).toEqual(all.map(said));
});

it("the example of VerificationError ends in its branch where a secret is not the one that was signed", async () => {
  const box = await documented();
  writeFileSync(join(box.vault, "secrets/stripe/api-key.enc"), "tampered");
  const example = all.find(({ name }) => name === "VerificationError")!;
  const { code, stdout, stderr } = await runProgram(box, example.text);
  const branch = /instanceof VerificationError\) console\.error\("(.+)", error\.code\)/.exec(example.text)!;
  expect({ code, stdout: stdout.toString(), stderr }).toEqual({ code: 0, stdout: "", stderr: `${branch[1]} TAMPERED\n` });
});
