"""The files of a vault, each read once."""

from __future__ import annotations

from ..errors import error
from ..format.file_source import FileSource
from ..format.layout import CONFIG_FILE, MANIFEST_FILE, agent_of_escrow, classify, metadata_file, secret_file
from ..format.manifest import Manifest
from ..format.names import format_secret_path
from ..lock.signed_files import SignedFiles
from ..text.did_you_mean import did_you_mean


class VaultFiles:
    """Every file is read once, however often it is asked for: the bytes that were verified are the bytes that are used."""

    def __init__(self, source: FileSource) -> None:
        self.source = source
        self.signed: SignedFiles | None = None
        self._bytes: dict[str, bytes | None] = {}
        self._manifest: Manifest | None = None

    def vouch(self, signed: SignedFiles) -> None:
        """From now on only files that the owner signed are given out. Files that were read before are forgotten."""
        self.signed = signed
        self._bytes.clear()
        self._manifest = None

    def read(self, file: str) -> bytes | None:
        """The bytes of a file of the vault, or `None`. Raises `LINK_IN_VAULT`, `DAMAGED`, `FAILED`, `TAMPERED`."""
        if file not in self._bytes:
            content = self.source.read(file)
            if self.signed:
                self.signed.require(file, content)
            self._bytes[file] = content
        return self._bytes[file]

    def require_all(self) -> None:
        """Refuses the vault if any of its files differs from what was signed. Raises `TAMPERED`."""
        if self.signed:
            self.signed.require_all()

    def files_below(self, folder: str) -> list[str]:
        """The files below a folder such as `secrets`, by path: the signed ones, once they are vouched for. Raises `TAMPERED`."""
        return self.signed.files_below(folder) if self.signed else [entry.file for entry in self.source.walk(folder)]

    def secret_paths(self) -> list[str]:
        """Every secret that has a file, sorted. Files with an invalid name are left out."""
        return [found.path for found in map(classify, self.files_below("secrets")) if found.kind == "secret"]

    def ciphertext(self, path: str) -> bytes:
        """A secret's ciphertext. Raises `SECRET_NOT_FOUND`, whose remedy suggests a similar name."""
        content = self.read(secret_file(path))
        if content is not None:
            return content
        name = format_secret_path(path)
        suggestion = did_you_mean(name, map(format_secret_path, self.secret_paths()))
        raise error("SECRET_NOT_FOUND", f"There is no secret {name} in this vault.", f"{suggestion}agent-vault list shows them all.")

    @property
    def manifest(self) -> Manifest:
        """Raises `INVALID_YAML`, `INVALID_MANIFEST`."""
        if self._manifest is None:
            self._manifest = Manifest.parse(self._require(MANIFEST_FILE))
        return self._manifest

    def escrowed_agents(self) -> list[str]:
        """The agents of the vault: an agent that was removed has no escrow. Raises `TAMPERED`."""
        return [agent for file in self.files_below("agents") if (agent := agent_of_escrow(file)) is not None]

    def agents_of(self, path: str) -> list[str]:
        """
        The agents that can read a secret: those of its groups, then its extra agents.

        Raises `INVALID_YAML`, `INVALID_MANIFEST`, `INVALID_METADATA`.
        """
        from ..format.metadata import parse_metadata

        if self.manifest.names_extra_agents:
            return self.manifest.agents_of(path)
        metadata = self.read(metadata_file(path))
        return self.manifest.agents_of(path, parse_metadata(metadata, path).authorized_agents if metadata else ())

    def _require(self, file: str) -> bytes:
        content = self.read(file)
        if content is None:
            remedy = f"Restore it from git (git checkout -- .agent-vault/{file})."
            raise error("INVALID_CONFIG" if file == CONFIG_FILE else "INVALID_MANIFEST", f"The vault has no {file}.", remedy)
        return content
