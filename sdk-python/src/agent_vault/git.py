"""git, as a program."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import VaultError, error, printable
from .folder import FileEntry, link_in_vault

#: Variables that tell git which repository to use; a hook sets some, and they are not meant for us.
_REPOSITORY_VARIABLES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_INDEX_FILE",
        "GIT_GRAFT_FILE",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_COMMON_DIR",
        "GIT_NAMESPACE",
        "GIT_QUARANTINE_PATH",
        "GIT_LITERAL_PATHSPECS",
        "GIT_GLOB_PATHSPECS",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
    }
)
#: What git has no use for: programs it must not start here, and keys that no child of ours may see.
_WITHHELD_VARIABLES = frozenset({"EDITOR", "PAGER", "AGENT_VAULT_KEY", "AGENT_VAULT_TOKEN"})
#: A folder of the work tree that looks like a bare repository may have been pushed, with a configuration that runs programs.
_OWN_CONFIGURATION = ("-c", "safe.bareRepository=explicit")
#: What was just pulled must not run here: a hook may be a file of the new commit.
NO_HOOKS = ("-c", "core.hooksPath=/dev/null")
#: A remote that says nothing for so long, or is not done after so long, is given up; in seconds.
_SILENCE = 15.0
_TOTAL = 300.0
#: How often it is looked whether git has ended, while it says nothing; in seconds.
_LOOK = 0.1


@dataclass(frozen=True)
class GitRepository:
    """One git repository with a work tree. `git_dir` is the folder of this work tree's own state: index, HEAD."""

    work_tree: str
    git_dir: str
    env: Mapping[str, str]

    @staticmethod
    def find(folder: str, env: Mapping[str, str]) -> GitRepository | None:
        """The repository that holds a folder; `None` where there is none, or no git to read it with. Raises `GIT_FAILED`."""
        environment = _environment(env)
        try:
            output = _run(folder, environment, ["rev-parse", "--show-toplevel", "--absolute-git-dir"])
        except VaultError as failure:
            if failure.code == "GIT_MISSING" or "not a git repository" in failure.message:
                return None
            raise
        work_tree, git_dir = os.fsdecode(output).rstrip("\n").split("\n")[:2]
        return GitRepository(os.path.abspath(work_tree), os.path.abspath(git_dir), environment)

    def run(self, args: Sequence[str], *, stdin: bytes | None = None) -> bytes:
        """Runs git in the work tree and gives its standard output. Raises `GIT_FAILED` with git's words."""
        return _run(self.work_tree, self.env, args, stdin)

    def text(self, args: Sequence[str]) -> str | None:
        """The output as text, or `None` where git refuses."""
        try:
            return os.fsdecode(self.run(args))
        except VaultError as failure:
            if failure.code == "GIT_FAILED":
                return None
            raise

    def fetch(self) -> None:
        """Fetches from the remote of the branch that is checked out. Nobody is asked for a password, no hook runs. Raises `GIT_FAILED`."""
        own_ssh = self.env.get("GIT_SSH_COMMAND") or self.env.get("GIT_SSH") or self.text(["config", "--get", "core.sshCommand"])
        env = dict(self.env) if own_ssh else {**self.env, "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
        args = ["git", *_OWN_CONFIGURATION, *NO_HOOKS, "fetch", "--quiet", "--progress", "--no-recurse-submodules"]
        _run_with_remote(self.work_tree, env, args)

    def is_busy(self) -> bool:
        """Whether the person has begun an operation and not finished it."""
        marks = ("rebase-merge", "rebase-apply", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")
        return any(os.path.exists(os.path.join(self.git_dir, mark)) for mark in marks)

    def path_of(self, folder: str) -> str:
        """A folder of the work tree as git names it: relative, with `/`."""
        real = os.path.join(os.path.realpath(os.path.dirname(folder)), os.path.basename(folder))
        return os.path.relpath(real, os.path.realpath(self.work_tree)).replace(os.sep, "/")

    def contents(self, names: Sequence[str]) -> list[bytes | None]:
        """The contents of files in commits (`REVISION:PATH`) or of objects by their ids, `None` for each that is not there."""
        if not names:
            return []
        if any("\n" in name for name in names):
            raise error("GIT_FAILED", "A path with a line break cannot be asked for.", "Rename the folder that holds the vault.")
        output = self.run(["cat-file", "--batch"], stdin=b"".join(os.fsencode(name) + b"\n" for name in names))
        found: list[bytes | None] = []
        offset = 0
        for _ in names:
            end = output.index(b"\n", offset)
            head = re.fullmatch(rb"[0-9a-f]+ ([a-z]+) ([0-9]+)", output[offset:end])
            offset = end + 1
            if head is None:
                found.append(None)
                continue
            size = int(head[2])
            found.append(output[offset : offset + size] if head[1] == b"blob" else None)
            offset += size + 1
        return found


class CommitFiles:
    """A vault's files as one commit holds them. All are read at once: this is for looking through a whole vault."""

    def __init__(self, repository: GitRepository, revision: str, root: str) -> None:
        """Raises `VAULT_NOT_FOUND` where the commit holds no vault there, `GIT_FAILED` for an unknown revision."""
        self.root = root
        prefix = f"{repository.path_of(root)}/"
        listing = os.fsdecode(repository.run(["ls-tree", "-r", "-z", "--full-tree", revision, "--", prefix]))
        kinds = {"100644": "file", "100755": "file", "120000": "link"}
        found = [re.fullmatch(r"(\d+) \w+ ([0-9a-f]+)\t(.+)", line, re.DOTALL) for line in listing.split("\0") if line]
        listed = [
            (match[3][len(prefix) :], kinds.get(match[1], "other"), match[2]) for match in found if match and match[3].startswith(prefix)
        ]
        if not listed:
            raise error("VAULT_NOT_FOUND", f"{revision} holds no vault in {prefix}.", "Name another commit.")
        files = [(file, object_id) for file, kind, object_id in listed if kind == "file"]
        contents = repository.contents([object_id for _, object_id in files])
        self._bytes = {file: content for (file, _), content in zip(files, contents, strict=True)}
        self._entries = sorted((FileEntry(file, kind) for file, kind, _ in listed), key=lambda entry: entry.file)

    def read(self, file: str) -> bytes | None:
        content = self._bytes.get(file)
        links = (entry.file for entry in self._entries if entry.kind == "link")
        if content is None and any(file == link or file.startswith(f"{link}/") for link in links):
            raise link_in_vault(file)
        return content

    def walk(self, folder: str = "") -> list[FileEntry]:
        return [entry for entry in self._entries if not folder or entry.file.startswith(f"{folder}/")]


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in env.items() if name not in _WITHHELD_VARIABLES | _REPOSITORY_VARIABLES}
    return {"GIT_TERMINAL_PROMPT": "0", **kept, "LC_ALL": "C"}


def _run(folder: str, env: Mapping[str, str], args: Sequence[str], stdin: bytes | None = None) -> bytes:
    command = ["git", *_OWN_CONFIGURATION, *args]
    try:
        outcome = subprocess.run(command, cwd=folder, env=env, input=stdin or b"", capture_output=True, check=False)
    except FileNotFoundError:
        raise error("GIT_MISSING", "git was not found.", "Install git, or add its folder to PATH.") from None
    if outcome.returncode == 0:
        return outcome.stdout
    raise _failed(args, outcome.stderr or f"exit code {outcome.returncode}".encode())


def _run_with_remote(folder: str, env: Mapping[str, str], command: Sequence[str]) -> None:
    """
    Runs a git command that talks to a remote and says on its error stream how far it is. git leaves the talking to programs of its own,
    which outlive it; so all of them form one process group, which ends where a limit is exceeded or this process is interrupted.
    """
    grouped = os.name == "posix"
    try:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=grouped,
        )
    except FileNotFoundError:
        raise error("GIT_MISSING", "git was not found.", "Install git, or add its folder to PATH.") from None
    assert child.stderr is not None
    try:
        words = _listen(child) if sys.platform != "win32" else child.communicate(timeout=_TOTAL)[1]
        if words is not None and child.wait() == 0:
            return
    except subprocess.TimeoutExpired:
        words = None
    finally:
        if child.poll() is None:
            _end(child, grouped)
        child.stderr.close()
    if words is None:
        raise error("GIT_FAILED", "git fetch was given up, since the remote did not answer in time.", "Try again when it answers.")
    raise _failed(["fetch"], words)


def _listen(child: subprocess.Popen[bytes]) -> bytes | None:
    """What git says until it ends, or `None` where it takes too long."""
    assert child.stderr is not None
    words = b""
    started = heard = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stderr, selectors.EVENT_READ)
        while True:
            if selector.select(_LOOK):
                part = os.read(child.stderr.fileno(), 65536)
                if not part:
                    return words
                words = (words + part)[-16_384:]
                heard = time.monotonic()
            # A program that stays on, such as one that tidies the repository up, may keep the error stream open.
            elif child.poll() is not None:
                return words
            elif time.monotonic() - heard > _SILENCE:
                return None
            if time.monotonic() - started > _TOTAL:
                return None


def _end(child: subprocess.Popen[bytes], grouped: bool) -> None:
    with contextlib.suppress(ProcessLookupError):
        if grouped:
            os.killpg(child.pid, signal.SIGTERM)
        else:
            child.terminate()
    child.wait()


def _failed(args: Sequence[str], output: bytes) -> VaultError:
    said = [re.sub(r"^(?:fatal|error): ", "", line).strip() for line in re.split(r"[\r\n]+", output.decode("utf-8", "replace"))]
    told = [printable(line) for line in said if line and not line.startswith("hint:")]
    progress = re.compile(r"(?:remote: )?(?:[A-Z][a-z]+ [a-z]+: +\d|Total \d)")
    words = " ".join([line for line in told if not progress.match(line)][:3])
    command = next((arg for arg in args if not arg.startswith("-") and "=" not in arg), "")
    return error("GIT_FAILED", f"git {command} failed: {words}", "Put right what git names, then try again; nothing was changed.")
