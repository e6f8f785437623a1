import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";

/** A server of git repositories on this machine's loopback. */
export interface GitServer {
  readonly port: number;
  /** The URL of a repository, by way of a port. @param path absolute */
  url(port: number, path: string): string;
  /** What git needs in its environment to get there. */
  readonly env: Readonly<Record<string, string>>;
}

/** `git daemon`, to read and to push. @param root the folder of all its repositories */
export async function gitDaemon(root: string): Promise<GitServer> {
  const port = await freePort();
  const words = ["daemon", "--reuseaddr", "--listen=127.0.0.1", `--port=${port}`, "--export-all", "--enable=receive-pack", root];
  await started(spawn("git", words, { stdio: "ignore", detached: true }), port);
  return { port, url: (through, path) => `git://127.0.0.1:${through}${path}`, env: {} };
}

export const SSHD = "/usr/sbin/sshd";

/** An SSH server that knows one key. @param folder for its keys, which nobody else may write to */
export async function sshServer(folder: string): Promise<GitServer> {
  const port = await freePort();
  for (const name of ["host", "client"]) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)]);
  writeFileSync(join(folder, "authorized"), readFileSync(join(folder, "client.pub")));
  if (process.getuid?.() === 0 && !existsSync("/run/sshd")) mkdirSync("/run/sshd", { mode: 0o755 });
  const settings = {
    ListenAddress: "127.0.0.1",
    HostKey: join(folder, "host"),
    AuthorizedKeysFile: join(folder, "authorized"),
    PidFile: "none",
    StrictModes: "no",
    UsePAM: "no",
    PermitUserEnvironment: "no",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  await started(spawn(SSHD, ["-D", "-f", "/dev/null", "-p", String(port), ...options], { stdio: "ignore", detached: true }), port);
  const client = `ssh -F none -i ${join(folder, "client")} -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR`;
  const { username } = userInfo();
  return { port, url: (through, path) => `ssh://${username}@127.0.0.1:${through}${path}`, env: { GIT_SSH_COMMAND: client } };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Waits until a server takes connections, and ends it with the test. */
async function started(child: ChildProcess, port: number): Promise<void> {
  onTestFinished(() => {
    try {
      process.kill(-child.pid!, "SIGTERM");
    } catch {
      // It has ended by itself.
    }
  });
  for (let attempt = 0; ; attempt++) {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    if (child.exitCode !== null || attempt > 200) throw new Error(`${child.spawnfile} does not listen.`);
    await sleep(25);
  }
}
