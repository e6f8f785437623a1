"""Programs that print a key or a passphrase."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..errors import VaultError, error

#: No key and no passphrase is longer.
_MAX_OUTPUT_BYTES = 256 * 1024
_QUOTED = re.compile(r"""\"([^\"]*)\"|'([^']*)'""")


def output_of(words: Sequence[str], env: Mapping[str, str], *, variable: str, code: str, timeout_s: float) -> bytes:
    """
    What a program prints, run without a shell. It gets none of agent-vault's variables, and its error stream is the person's.

    `variable` names it. Its value is in no message, because it may contain more than a name. Raises `code` if the program cannot be
    started, fails, prints too much or takes too long.
    """
    import subprocess

    environment = {name: value for name, value in env.items() if not name.upper().startswith("AGENT_VAULT_")}

    def failed(problem: str) -> VaultError:
        remedy = "Run it by hand to see why. It is started without a shell, and without variables that begin with AGENT_VAULT_."
        return error(code, f"The program that {variable} names {problem}.", remedy)

    try:
        outcome = subprocess.run(
            [*words], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise failed(f"did not end within {timeout_s:g} seconds") from None
    except (OSError, ValueError):
        raise failed("could not be started") from None
    if outcome.returncode != 0:
        raise failed(f"failed with exit code {outcome.returncode}" if outcome.returncode > 0 else "was ended by a signal")
    if len(outcome.stdout) > _MAX_OUTPUT_BYTES:
        raise failed("printed too much")
    return outcome.stdout


def command_words(text: str, variable: str) -> list[str]:
    """
    The words of a command line that no shell reads: blanks separate them, and quotes keep blanks together.

    Raises `USAGE` for a quote that does not end, and if there is no word.
    """
    words = [
        _QUOTED.sub(lambda match: match[1] if match[1] is not None else match[2], word)
        for word in re.findall(r"""(?:[^ \t\r\n\"']|\"[^\"]*\"|'[^']*')+""", text)
    ]
    if words and words[0] and not re.search("[\"']", _QUOTED.sub("", text)):
        return words
    raise error(
        "USAGE",
        f"{variable} is not a program with its arguments.",
        'Write it as PROGRAM ARGUMENT ..., with quotes around what has blanks: "/opt/key manager/show" billing-agent.',
    )
