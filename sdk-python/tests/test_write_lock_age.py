"""Claims of other machines and containers: whether their process is running cannot be asked, so their age tells."""

import os
import time
from pathlib import Path

import pytest

from agent_vault.disk import write_lock as module
from agent_vault.disk.write_lock import write_lock
from agent_vault.errors import VaultError

OTHER = "claim.0123456789ab.7.1234.abcdef"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    claims = tmp_path / "claims"
    claims.mkdir()
    return claims


def _claim(folder: Path, age_s: float) -> None:
    (folder / OTHER).touch()
    renewed = time.time() - age_s
    os.utime(folder / OTHER, (renewed, renewed))


def test_a_claim_that_is_renewed_holds_up_everybody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_TIMEOUT_S", 0.0)
    _claim(folder, 45)
    with pytest.raises(VaultError) as failure, write_lock(str(folder)):
        pass
    assert failure.value.code == "BUSY"
    assert os.listdir(folder) == [OTHER]


def test_a_claim_that_was_not_renewed_for_a_minute_goes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_TIMEOUT_S", 0.0)
    _claim(folder, 75)
    with write_lock(str(folder)):
        assert OTHER not in os.listdir(folder)
    assert os.listdir(folder) == []


def test_a_holder_renews_its_claim(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEWAL_S", 0.001)
    with write_lock(str(folder)):
        [claim] = os.listdir(folder)
        deadline = time.monotonic() + 10
        while os.stat(folder / claim).st_size == 0 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert os.stat(folder / claim).st_size > 0
    assert os.listdir(folder) == []
