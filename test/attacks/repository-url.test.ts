import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Vault } from "#sdk-node/index.js";
import type { Sandbox } from "../support/sandbox.js";
import { lacks } from "../support/programs.js";
import { agentsMachines } from "../unit/sdk-node/agents-machine.js";

const grantedVault = agentsMachines();
const BASIC = `Basic ${Buffer.from("deploy:pa55word").toString("base64")}`;

/** A TLS server that git trusts in this test. @returns its host and port, and the `Authorization` of each request */
async function server(box: Sandbox, answer: RequestListener) {
  const [key, cert] = [join(box.root, "server.key"), join(box.root, "server.crt")];
  if (!existsSync(cert)) {
    const words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1".split(" ");
    execFileSync("openssl", [...words, "-keyout", key, "-out", cert], { stdio: "ignore" });
    vi.stubEnv("GIT_SSL_CAINFO", cert);
  }
  const seen: (string | undefined)[] = [];
  const listening = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    seen.push(request.headers.authorization);
    answer(request, response);
  });
  onTestFinished(() => void listening.close());
  await once(listening.listen(0, "127.0.0.1"), "listening");
  return { host: `127.0.0.1:${(listening.address() as AddressInfo).port}`, seen };
}

/** Serves a folder's files, as git's dumb protocol reads them. */
const filesOf =
  (folder: string): RequestListener =>
  (request, response) => {
    const file = join(folder, new URL(request.url!, "https://host").pathname);
    if (existsSync(file)) response.end(readFileSync(file));
    else response.writeHead(404).end();
  };

describe.skipIf(lacks("openssl"))("the password in a repository's URL", () => {
  it("does not follow a redirect to another host", async () => {
    const { box, options } = await grantedVault();
    const other = await server(box, (_request, response) => response.writeHead(404).end());
    const named = await server(box, ({ url }, response) => response.writeHead(302, { location: `https://${other.host}${url}` }).end());
    const vault = new Vault({ ...options, repoPath: `https://deploy:pa55word@${named.host}/repo.git` });
    await expect(vault.get("stripe/api-key")).rejects.toMatchObject({ code: "GIT_FAILED" });
    expect(named.seen).toContain(BASIC);
    expect(other.seen).toEqual([]);
  });

  it("does not follow it either where the person lets git follow redirects", async () => {
    const { box, options } = await grantedVault();
    const other = await server(box, (_request, response) => response.writeHead(404).end());
    const named = await server(box, ({ url }, response) => response.writeHead(302, { location: `https://${other.host}${url}` }).end());
    box.git("config", "--global", `http.https://${named.host}/.followRedirects`, "true");
    const vault = new Vault({ ...options, repoPath: `https://deploy:pa55word@${named.host}/repo.git` });
    await expect(vault.get("stripe/api-key")).rejects.toMatchObject({ code: "GIT_FAILED" });
    expect(other.seen).toEqual([]);
  });

  it("is in the environment of no program that git starts for the files here", async () => {
    const { box, options } = await grantedVault();
    const remote = box.addRemote();
    box.gitIn(remote, "update-server-info");
    const { host, seen } = await server(box, filesOf(box.root));
    const spied = join(box.root, "spied");
    const spy = box.write(join(box.root, "spy"), `#!/bin/sh\nenv >>'${spied}'\nexit 1\n`);
    chmodSync(spy, 0o755);
    box.git("config", "--global", "core.fsmonitor", spy);
    const vault = new Vault({ ...options, repoPath: `https://deploy:pa55word@${host}/remote.git` });
    expect(await vault.get("stripe/api-key")).toBe("sk_1");
    await vault.pull();
    expect(seen).toContain(BASIC);
    // Nothing is checked out, so git need not start any.
    expect(existsSync(spied) ? readFileSync(spied, "utf8") : "").not.toContain(BASIC);
  });
});
