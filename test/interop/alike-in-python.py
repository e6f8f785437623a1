"""Decides and writes what the test beside this file sends as JSON, and prints the results as JSON."""

import base64
import json
import sys

from agent_vault.age.identity import Identity
from agent_vault.audit.audit_line import audit_line, otlp_body
from agent_vault.errors import VaultError
from agent_vault.policy.decide import ReadRequest, decide
from agent_vault.policy.parse_policy import parse_policy
from agent_vault.record.audit_event import AuditEvent, AuditRow, format_spool_row
from agent_vault.spool.segment import SegmentHeader, format_header, proof_of, seal_line


def decided(case):
    try:
        decision = decide(parse_policy(case["policy"].encode("utf-8")), ReadRequest(**case["request"]))
    except VaultError as failure:
        return failure.code
    return [decision.allowed, decision.rule and decision.rule.position, decision.approval]


def written(case):
    secrets = case["event"]["secrets"]
    event = AuditEvent(**{**case["event"], "secrets": None if secrets is None else tuple(secrets)}).tidy()
    row = AuditRow(case["time"], event)
    header = SegmentHeader(**{**case["header"], "key": base64.b64decode(case["header"]["key"])})
    text = format_spool_row(row)
    return {
        "row": text,
        "header": format_header(header, "proof"),
        "proof": proof_of(header, Identity(case["key"])),
        "line": seal_line(header.key, case["first_line"], case["line"], text),
        "audit_line": audit_line(row, "id:1", header.vault),
        "otlp": otlp_body(row, "id:1", header.vault),
    }


request = json.load(sys.stdin)
json.dump({"decided": [decided(case) for case in request["policy"]], "written": [written(case) for case in request["spool"]]}, sys.stdout)
