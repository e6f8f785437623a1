"""The environment in which git runs."""

from __future__ import annotations

from collections.abc import Mapping

#: Variables that tell git which repository to use. A hook that runs this program may have set them for its own repository.
_REPOSITORY_VARIABLES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_INDEX_FILE",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
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
#: Programs that git must not start here.
_PROGRAM_VARIABLES = frozenset({"EDITOR", "PAGER"})


def git_environment(env: Mapping[str, str]) -> dict[str, str]:
    """
    The variables that git gets.

    git starts programs that a repository or its configuration names, such as filters, a file system monitor and credential helpers. So it
    gets none of agent-vault's variables, which hold keys and tokens. It writes in English, because errors.py recognizes some messages.
    """
    withheld = _REPOSITORY_VARIABLES | _PROGRAM_VARIABLES
    kept = {name: value for name, value in env.items() if name not in withheld and not name.upper().startswith("AGENT_VAULT_")}
    return {"GIT_TERMINAL_PROMPT": "0", **kept, "LC_ALL": "C"}
