"""Sends a row of the audit log to an OpenTelemetry collector."""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import re
import threading
import time
import urllib.parse
from collections.abc import Mapping

from ..errors import VaultError, error

#: How long a collector may take in all, with all attempts.
_TIMEOUT_S = 5.0
_FIRST_PAUSE_S = 0.1
_MAX_ANSWER_BYTES = 2**16
#: The OTLP specification's own list of answers after which a request is sent again.
_RETRYABLE = (429, 502, 503, 504)
_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|::1")
_HEADER = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(.*?)\s*", re.DOTALL)


def send_to_collector(env: Mapping[str, str], body: str) -> None:
    """
    Returns once the collector that the environment names has acknowledged the body: with a 2xx that rejects nothing.

    Raises `LEDGER_UNAVAILABLE` if it does not within five seconds, or is neither https nor on this machine.
    """
    url = _collector_url(env)
    headers = {**_headers(env), "content-type": "application/json"}
    deadline = time.monotonic() + _TIMEOUT_S
    pause = _FIRST_PAUSE_S
    while True:
        status, text = _post(url, headers, body.encode("utf-8"), deadline)
        if 200 <= status < 300:
            return _require_taken(url, text)
        if status not in _RETRYABLE or time.monotonic() + pause >= deadline:
            raise _not_taken(url, f"answered with status {status}")
        time.sleep(pause)
        pause *= 2


def _collector_url(env: Mapping[str, str]) -> urllib.parse.SplitResult:
    shared = env.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    text = env.get("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT") or (shared and f"{shared.rstrip('/')}/v1/logs")
    remedy = "Set OTEL_EXPORTER_OTLP_ENDPOINT to the https URL of a collector, or http on localhost."
    if not text:
        raise error("LEDGER_UNAVAILABLE", "AGENT_VAULT_AUDIT is otlp, and no collector is set.", remedy)
    with contextlib.suppress(ValueError):
        url = urllib.parse.urlsplit(text)
        host, _ = url.hostname or "", url.port
        if host and (url.scheme == "https" or (url.scheme == "http" and _LOOPBACK.fullmatch(host))):
            return url
    raise error("LEDGER_UNAVAILABLE", "The collector's URL is neither https nor on this machine.", remedy)


def _headers(env: Mapping[str, str]) -> dict[str, str]:
    """`name=value` pairs with commas between them, percent-encoded."""
    headers: dict[str, str] = {}
    for variable in ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_LOGS_HEADERS"):
        for pair in env.get(variable, "").split(","):
            match = _HEADER.fullmatch(pair)
            value = urllib.parse.unquote(match[2]) if match else ""
            # What is not printable ASCII cannot be a header's value.
            if match and re.fullmatch(r"[\x20-\x7e]*", value):
                headers[match[1].lower()] = value
    return headers


def _post(url: urllib.parse.SplitResult, headers: Mapping[str, str], body: bytes, deadline: float) -> tuple[int, bytes]:
    """Redirects are not followed. The thread ends with the connection, which a slow collector does not keep open."""
    answers: queue.Queue[tuple[int, bytes] | Exception] = queue.Queue()
    left = max(0.001, deadline - time.monotonic())
    make = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = make(url.hostname or "", url.port, timeout=left)

    def ask() -> None:
        try:
            connection.request("POST", urllib.parse.urlunsplit(("", "", url.path or "/", url.query, "")), body, dict(headers))
            answer = connection.getresponse()
            answers.put((answer.status, answer.read(_MAX_ANSWER_BYTES + 1)))
        except Exception as failure:
            answers.put(failure)

    threading.Thread(target=ask, daemon=True).start()
    try:
        outcome = answers.get(timeout=left)
    except queue.Empty:
        raise _not_taken(url, f"did not answer within {_TIMEOUT_S:.0f} seconds") from None
    finally:
        with contextlib.suppress(OSError):
            connection.close()
    if isinstance(outcome, TimeoutError):
        raise _not_taken(url, f"did not answer within {_TIMEOUT_S:.0f} seconds") from outcome
    if isinstance(outcome, Exception):
        raise _not_taken(url, "could not be reached") from outcome
    if len(outcome[1]) > _MAX_ANSWER_BYTES:
        raise _not_taken(url, "gave an answer that is too long")
    return outcome


def _require_taken(url: urllib.parse.SplitResult, text: bytes) -> None:
    """An answer that is no object of JSON is not a collector's."""
    if text.strip() == b"":
        return
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise _not_taken(url, "gave an answer that is not a collector's")
    partial = answer.get("partialSuccess")
    if partial is None:
        return
    rejected = partial.get("rejectedLogRecords", 0) if isinstance(partial, dict) else 0
    if rejected not in (0, "0", None) or rejected is False:
        raise _not_taken(url, "rejected the row")


def _not_taken(url: urllib.parse.SplitResult, why: str) -> VaultError:
    return error(
        "LEDGER_UNAVAILABLE",
        f"The collector at {url.hostname} {why}, so the use is not on record.",
        "Check OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS and the collector, then try again.",
    )
