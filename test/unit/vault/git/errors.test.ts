import { describe, expect, it } from "vitest";
import { gitFailed, type GitErrorKind } from "#vault/git/errors.js";
import type { ErrorCode } from "#vault/errors.js";

const CASES: readonly (readonly [GitErrorKind, ErrorCode, string])[] = [
  ["diskFull", "DISK_FULL", "fatal: write error: No space left on device"],
  ["lockHeld", "BUSY", "fatal: Unable to create '/x/.git/index.lock': File exists."],
  ["lockHeld", "BUSY", "error: cannot lock ref 'refs/heads/main': Unable to create '/x/.git/refs/heads/main.lock': File exists."],
  ["lockedRef", "GIT_FAILED", "error: cannot lock ref 'refs/remotes/origin/main': is at 1 but expected 2"],
  ["nonFastForward", "GIT_FAILED", " ! [rejected]        HEAD -> main (fetch first)"],
  ["nonFastForward", "GIT_FAILED", " ! [rejected]        HEAD -> main (non-fast-forward)"],
  ["hostKeyUnknown", "GIT_FAILED", "Host key verification failed.\nfatal: Could not read from remote repository."],
  ["authentication", "GIT_FAILED", "git@host: Permission denied (publickey).\nfatal: Could not read from remote repository."],
  ["authentication", "GIT_FAILED", "fatal: could not read Username for 'https://host': terminal prompts disabled"],
  ["authentication", "GIT_FAILED", "fatal: unable to access 'https://host/x.git/': The requested URL returned error: 403"],
  ["unwritable", "UNWRITABLE", "error: insufficient permission for adding an object to repository database .git/objects"],
  ["unwritable", "UNWRITABLE", "error: cannot lock ref 'refs/heads/main': Unable to create '/x/refs/heads/main.lock': Permission denied"],
  ["unwritable", "UNWRITABLE", "fatal: Unable to create '/x/.git/index.lock': Permission denied"],
  ["offline", "GIT_FAILED", "fatal: unable to access 'https://host/x.git/': Could not resolve host: host"],
  ["offline", "GIT_FAILED", "ssh: connect to host host port 22: Connection refused"],
  ["notARepository", "GIT_FAILED", "fatal: not a git repository (or any of the parent directories): .git"],
  ["bareRepository", "GIT_FAILED", "fatal: this operation must be run in a work tree"],
  ["dubiousOwnership", "GIT_FAILED", "fatal: detected dubious ownership in repository at '/x'"],
  ["noSuchSection", "GIT_FAILED", "fatal: no such section: hook.x"],
  ["noSuchRef", "GIT_FAILED", "fatal: couldn't find remote ref refs/heads/x"],
  ["noSuchRemote", "GIT_FAILED", "fatal: '/x.git' does not appear to be a git repository"],
  ["noSuchRemote", "GIT_FAILED", "ERROR: Repository not found.\nfatal: Could not read from remote repository."],
  ["noSuchRemote", "GIT_FAILED", "fatal: repository 'https://host/x.git/' not found"],
  ["other", "GIT_FAILED", "fatal: bad object"],
];

describe("an error of git", () => {
  it.each(CASES)("is %s, with the code %s: %s", (kind, code, stderr) => {
    expect(gitFailed({ args: ["fetch"], exit: 128, stderr: `${stderr}\n` })).toMatchObject({ kind, code, stderr: `${stderr}\n` });
  });

  it("is not told by the words of the other side", () => {
    const stderr = "remote: error: No space left on device, not a git repository, [rejected]\nfatal: the remote end hung up unexpectedly\n";
    expect(gitFailed({ args: ["push"], exit: 1, stderr }).kind).toBe("other");
  });

  it("holds no part of a password that a remote's URL holds", () => {
    const stderr = "fatal: unable to access 'https://user:p@ss@localhost:1/x.git/': Failed to connect\n";
    expect(JSON.stringify(gitFailed({ args: ["fetch"], exit: 128, stderr }))).not.toContain("ss@");
  });

  it("names the exit code where git said nothing", () => {
    expect(gitFailed({ args: ["-c", "a=b", "config", "--get", "x"], exit: 1, stderr: "" }).message).toBe(
      "git config failed: it ended with 1.",
    );
  });
});
