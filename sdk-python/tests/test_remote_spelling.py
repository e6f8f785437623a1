"""The one spelling of a remote is the one that Node has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent_vault.git.remote_spelling import spell_remote

SPELLINGS = json.loads((Path(__file__).resolve().parents[2] / "fixtures" / "remote-spellings.json").read_text("utf-8"))


@pytest.mark.parametrize("remote", SPELLINGS["remotes"], ids=[remote["spelling"] for remote in SPELLINGS["remotes"]])
def test_however_a_url_is_spelled(remote: dict[str, Any]) -> None:
    assert {url: spell_remote(url) for url in remote["urls"]} == {url: remote["spelling"] for url in remote["urls"]}


@pytest.mark.parametrize("case", SPELLINGS["others"], ids=[case["url"] for case in SPELLINGS["others"]])
def test_a_url_by_itself(case: dict[str, str]) -> None:
    assert spell_remote(case["url"]) == case["spelling"]


def test_the_real_folder_of_a_local_path(machine: Path) -> None:
    folder = machine.resolve() / "spelling"
    for name in ("bare.git", "work/tree", "%41 b"):
        (folder / name).mkdir(parents=True)
    (folder / "link").symlink_to(folder / "bare.git")
    (folder / "again.git").symlink_to("link")
    bare = str(folder / "bare.git")
    ways = ["bare", "bare.git", "bare.git/", "./bare", "work/../bare.git", "work/tree/../../bare", "link", "link/", "again", "again.git"]
    assert {way: spell_remote(way, str(folder)) for way in ways} == dict.fromkeys(ways, bare)
    assert spell_remote(f"{folder}/link/") == bare
    assert spell_remote(f"file://{folder}/link") == bare
    assert spell_remote(f"file://localhost{folder}/b%61re") == bare
    assert spell_remote("../bare.git", str(folder / "work")) == bare
    assert spell_remote(f"{folder}/%41 b") == str(folder / "%41 b")
    assert spell_remote(f"file://{folder}/%2541%20b") == str(folder / "%41 b")
    assert spell_remote("tree", str(folder / "work")) == str(folder / "work" / "tree")
    assert spell_remote("no-such", str(folder)) == str(folder / "no-such")
