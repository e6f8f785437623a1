"""Coding agents, recognised by the variables that they set for the programs they start."""

from __future__ import annotations

from collections.abc import Mapping

_VARIABLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("claude-code", ("CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT")),
    ("codex", ("CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED", "CODEX_THREAD_ID", "CODEX_CI")),
    ("cursor", ("CURSOR_AGENT", "CURSOR_TRACE_ID")),
    ("copilot", ("COPILOT_CLI", "COPILOT_AGENT", "GITHUB_COPILOT_CLI")),
    ("gemini", ("GEMINI_CLI",)),
    ("opencode", ("OPENCODE", "OPENCODE_CLIENT")),
    ("aider", ()),
    ("continue", ("CONTINUE_CLI", "CONTINUE_GLOBAL_DIR")),
    ("windsurf", ("WINDSURF_CASCADE", "WINDSURF_AGENT", "WINDSURF_SESSION_ID")),
)


def detect_harness(env: Mapping[str, str]) -> str | None:
    """The name of the coding agent that started this program, as far as the environment tells. It is a hint: variables can be removed."""
    for harness, names in _VARIABLES:
        if any(env.get(name) for name in names) or (harness == "aider" and any(name.startswith("AIDER_") for name in env)):
            return harness
    return env.get("AGENT") or env.get("AI_AGENT") or None
