"""Reads go on record without the command line, and the command line takes the record in."""

from __future__ import annotations

import errno
import http.server
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import COMMAND_LINE
from scene import SIGNERS, Scene, key_file

from agent_vault import NotAuthorizedError, Vault, VaultError
from agent_vault.age.identity import Identity
from agent_vault.audit import otlp_request
from agent_vault.audit.recorder import can_encrypt_to
from agent_vault.spool.segment import SegmentHeader, seal_header

BOT = next(line for line in key_file("bot.key").read_text("utf-8").splitlines() if line.startswith("AGE-SECRET-KEY-1"))
HEADER = SegmentHeader("v", "0a" * 16, bytes(32), "m0", 1, "0", "h", "2026-11-29T00:00:00.000Z", Identity(BOT).recipient())
PROGRAM = "import sys; from agent_vault import Vault; print(Vault(sys.argv[1], sys.argv[2]).get(sys.argv[3]))"


@pytest.fixture
def recorded(first: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.delenv("AGENT_VAULT_AUDIT")
    return first


def segments(scene: Scene) -> list[Path]:
    return sorted(scene.home.glob("ledger/*.spool/*"))


def lines(scene: Scene) -> int:
    """The rows of all segments: their lines but the first."""
    return sum(file.read_bytes().count(b"\n") - 1 for file in segments(scene))


def rows(scene: Scene) -> list[dict[str, object]]:
    node = shutil.which("node")
    if node is None or not COMMAND_LINE.exists():
        pytest.skip("there is no command line to ask")
    words = [node, str(COMMAND_LINE), "audit", "--json", "-C", str(scene.repository), "--key", str(scene.key_path)]
    found: list[dict[str, object]] = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    return found


def test_reads_go_on_record_with_nothing_but_the_package(recorded: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", "")
    vault = Vault(recorded.repository, recorded.key_path, auto_pull=False)
    assert vault.get("token") == "of the default group"
    assert vault.get_bytes("stripe/cert") == bytes([0, 200, 255, 10])
    with pytest.raises(NotAuthorizedError):
        vault.get("other/secret")
    (segment,) = segments(recorded)
    assert b"stripe" not in segment.read_bytes()
    assert oct(segment.stat().st_mode & 0o777) == "0o600"
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("AGENT_VAULT_OWNER", SIGNERS["owner"])
    assert [(row["who"], row["outcome"], row["secrets"], row["proven"]) for row in rows(recorded)] == [
        ("bot", "done", ["token"], True),
        ("bot", "done", ["stripe/cert"], True),
        ("bot", "denied", ["other/secret"], True),
    ]


def test_threads_share_a_segment_and_a_fork_begins_its_own(recorded: Scene) -> None:
    vault = Vault(recorded.repository, recorded.key_path, auto_pull=False)
    vault.get("token")
    threads = [threading.Thread(target=vault.get, args=("token",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(segments(recorded)), lines(recorded)) == (1, 5)
    if "fork" in multiprocessing.get_all_start_methods():
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(write, vault.get("token").encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert os.read(read, 100) == b"of the default group"
        os.close(read)
        os.close(write)
        vault.get("token")
        assert (len(segments(recorded)), lines(recorded)) == (2, 7)


def test_what_deletes_a_segment_loses_no_later_row(recorded: Scene) -> None:
    vault = Vault(recorded.repository, recorded.key_path, auto_pull=False)
    vault.get("token")
    segments(recorded)[0].unlink()
    vault.get("token")
    assert lines(recorded) == 1


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("leger", "USAGE"),
        ("file:relative", "USAGE"),
        ("file:/dev/full", "DISK_FULL"),
        ("file:/nowhere/file", "UNWRITABLE"),
        ("otlp", "LEDGER_UNAVAILABLE"),
    ],
)
def test_what_cannot_be_recorded_is_not_read(recorded: Scene, monkeypatch: pytest.MonkeyPatch, value: str, code: str) -> None:
    monkeypatch.setenv("AGENT_VAULT_AUDIT", value)
    with pytest.raises(VaultError) as caught:
        Vault(recorded.repository, recorded.key_path).get("token")
    assert caught.value.code == code
    assert caught.value.remedy


def test_a_home_that_cannot_be_written_names_the_ways_on(recorded: Scene, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "file").touch()
    monkeypatch.setenv("AGENT_VAULT_HOME", str(machine / "file"))
    monkeypatch.setenv("AGENT_VAULT_OWNER", SIGNERS["owner"])
    with pytest.raises(VaultError, match=r"AGENT_VAULT_HOME.*otlp, stderr or file:PATH") as caught:
        Vault(recorded.repository, recorded.key_path).get("token")
    assert caught.value.code == "UNWRITABLE"


def test_lines_of_json_go_to_a_file_or_to_standard_error(recorded: Scene, machine: Path) -> None:
    file = machine / "audit.jsonl"
    words = [sys.executable, "-c", PROGRAM, str(recorded.repository), str(recorded.key_path), "token"]
    for sink in (f"file:{file}", "stderr"):
        outcome = subprocess.run(words, env={**os.environ, "AGENT_VAULT_AUDIT": sink}, check=True, capture_output=True)
        line = file.read_bytes() if sink != "stderr" else outcome.stderr
        assert json.loads(line)["secrets"] == ["token"]


@pytest.mark.parametrize(
    ("status", "answer", "is_taken"),
    [
        (200, b"{}", True),
        (204, b"", True),
        (200, b'{"partialSuccess":{"rejectedLogRecords":"1"}}', False),
        (200, b"<html>", False),
        (307, b"", False),
        (400, b"{}", False),
    ],
)
def test_a_collector_acknowledges_first(
    recorded: Scene, monkeypatch: pytest.MonkeyPatch, collector: type[Collector], status: int, answer: bytes, is_taken: bool
) -> None:
    collector.status, collector.answer = status, answer
    monkeypatch.setenv("AGENT_VAULT_AUDIT", "otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    vault = Vault(recorded.repository, recorded.key_path, auto_pull=False)
    if is_taken:
        assert vault.get("token") == "of the default group"
    else:
        with pytest.raises(VaultError) as caught:
            vault.get("token")
        assert caught.value.code == "LEDGER_UNAVAILABLE"
    (body,) = collector.bodies
    assert b"of the default group" not in body
    assert json.loads(body)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["eventName"] == "agent_vault.audit"


def test_a_collector_that_is_busy_is_asked_again(recorded: Scene, monkeypatch: pytest.MonkeyPatch, collector: type[Collector]) -> None:
    collector.busy = 1
    monkeypatch.setenv("AGENT_VAULT_AUDIT", "otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    assert Vault(recorded.repository, recorded.key_path, auto_pull=False).get("token") == "of the default group"
    assert len(collector.bodies) == 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://collector.example", "nonsense", ""])
def test_a_collector_that_is_down_far_away_or_in_the_clear_refuses_the_read(
    recorded: Scene, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("AGENT_VAULT_AUDIT", "otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    with pytest.raises(VaultError) as caught:
        Vault(recorded.repository, recorded.key_path, auto_pull=False).get("token")
    assert caught.value.code == "LEDGER_UNAVAILABLE"


def test_a_collector_that_is_slow_refuses_the_read_in_time(recorded: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_request, "_TIMEOUT_S", 0.2)
    monkeypatch.setenv("AGENT_VAULT_AUDIT", "otlp")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(VaultError, match="did not answer") as caught:
            Vault(recorded.repository, recorded.key_path, auto_pull=False).get("token")
    assert caught.value.code == "LEDGER_UNAVAILABLE"


def test_an_owner_whose_kind_of_key_pyrage_does_not_know_is_an_error(recorded: Scene) -> None:
    keys = ["age1pq1qqqq", "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t", "ssh-ed25519 AAAA", "age1"]
    for key in keys:
        with pytest.raises(VaultError) as caught:
            seal_header(HEADER, [HEADER.identity, key], Identity(BOT))
        assert caught.value.code == "LEDGER_UNAVAILABLE"
    assert [can_encrypt_to([HEADER.identity, key]) for key in keys] == [False, True, False, True]


@pytest.mark.usefixtures("homeless")
@pytest.mark.filterwarnings("ignore::agent_vault.AgentVaultWarning")
def test_without_a_home_nothing_is_read_and_the_ways_on_are_named(first: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENT_VAULT_AUDIT")
    vault = Vault(first.repository, key_str=key_file("bot.key").read_text("utf-8"), auto_pull=False)
    with pytest.raises(VaultError, match=r"AGENT_VAULT_HOME.*otlp, stderr or file:PATH") as caught:
        vault.get("token")
    assert caught.value.code == "UNWRITABLE"
    monkeypatch.setenv("AGENT_VAULT_AUDIT", "stderr")
    assert vault.get("token") == "of the default group"


def test_a_full_disk_keeps_the_value_back_and_the_rows_before_it_whole(recorded: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault(recorded.repository, recorded.key_path, auto_pull=False)
    vault.get("token")

    def fails(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(VaultError) as caught:
        vault.get("token")
    assert caught.value.code == "DISK_FULL"
    monkeypatch.undo()
    monkeypatch.setenv("AGENT_VAULT_HOME", str(recorded.home))
    assert lines(recorded) == 1


class Collector(http.server.BaseHTTPRequestHandler):
    """Answers as it is told."""

    url = ""
    status = 200
    answer = b""
    #: How often it says first that it is busy.
    busy = 0
    bodies: list[bytes]

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        if type(self).busy > 0:
            type(self).busy -= 1
            self.send_error(503)
            return
        self.send_response(self.status)
        self.send_header("content-length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[type[Collector]]:
    Collector.bodies = []
    Collector.status, Collector.answer = 200, b"{}"
    server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
    Collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Collector
    server.shutdown()
    thread.join()
    server.server_close()
