"""The committed vectors of policies, repositories and spools, which Node is held to as well (test/interop/vectors.test.ts)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from scene import FIXTURES, key_file

from agent_vault.age.decrypt import decrypt
from agent_vault.age.identity import Identity
from agent_vault.audit.audit_line import audit_line, otlp_body
from agent_vault.errors import VaultError
from agent_vault.policy.decide import ReadRequest, decide
from agent_vault.policy.parse_policy import parse_policy
from agent_vault.record.audit_event import AuditEvent, AuditRow, format_spool_row
from agent_vault.record.invocation_context import invocation_context
from agent_vault.spool.segment import SegmentHeader, format_header, proof_of, seal_line

BOT = next(line for line in key_file("bot.key").read_text("utf-8").splitlines() if line.startswith("AGE-SECRET-KEY-1"))


def vectors(name: str) -> Any:
    return json.loads((FIXTURES.parent / name).read_text("utf-8"))


def decided(policy: str, request: dict[str, Any]) -> object:
    who = request.pop("agent")
    principal = None if who is None else ("owner", who[6:]) if who.startswith("owner:") else ("agent", who)
    try:
        decision = decide(parse_policy(policy.encode("utf-8")), ReadRequest(principal=principal, **request))
    except VaultError as failure:
        return failure.code
    return [decision.allowed, decision.rule and decision.rule.position, decision.approval]


def test_what_a_policy_decides_on_a_read() -> None:
    cases = vectors("policy/read.json")
    assert len(cases) > 500
    for case in cases:
        assert (case["policy"], decided(case["policy"], dict(case["request"]))) == (case["policy"], case["decision"])


def test_which_repository_and_branch_a_read_is_of(machine: Path) -> None:
    for number, case in enumerate(vectors("policy/git.json")):
        folder = machine / str(number)
        for name, text in case["files"].items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.replace("FOLDER", str(folder)).encode())
        found = invocation_context(str(folder / case["vault"]), {})
        expected = (case["repository"].replace("FOLDER", str(folder)), case["branch"])
        assert (case["name"], found.repository, found.branch) == (case["name"], *expected)


def test_the_bytes_of_rows_of_lines_and_of_collectors_requests() -> None:
    for case in vectors("spool/rows.json"):
        sent = case["sent"]
        secrets = sent["event"]["secrets"]
        event = AuditEvent(**{**sent["event"], "secrets": None if secrets is None else tuple(secrets)}).tidy()
        row = AuditRow(sent["time"], event)
        header = SegmentHeader(**{**sent["header"], "key": base64.b64decode(sent["header"]["key"])})
        text = format_spool_row(row)
        assert case["written"] == {
            "row": text,
            "header": format_header(header, "proof"),
            "line": seal_line(header.key, sent["first_line"], sent["line"], text),
            "audit_line": audit_line(row, "id:1", header.vault),
            "otlp": otlp_body(row, "id:1", header.vault),
        }


def test_a_segment_of_node_is_what_this_package_writes() -> None:
    suite = vectors("spool/segments.json")
    first, *lines = suite["segments"][0]["content"].rstrip("\n").split("\n")
    _, vault, segment, file = first.split(" ")
    opened = decrypt(base64.b64decode(file), [Identity(BOT)], "the first line")
    assert opened is not None
    fields = json.loads(opened)
    proof = fields.pop("proof")
    writer = fields.pop("writer")
    header = SegmentHeader(vault=vault, segment=segment, **{**fields, **writer, "key": base64.b64decode(fields["key"])})
    assert proof == proof_of(header, Identity(BOT))
    assert format_header(header, proof) == suite["header"] == opened.decode()
    assert lines == [seal_line(header.key, first, number, row) for number, row in enumerate(suite["rows"], start=2)]
