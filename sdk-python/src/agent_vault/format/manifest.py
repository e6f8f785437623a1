"""`manifest.yaml`: who is in which group, and which secrets a group lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import VaultError, error
from ..text.did_you_mean import did_you_mean
from .layout import FIRST_OWNER_FILE, MANIFEST_FILE
from .names import is_name, is_secret_path, parse_secret_path


@dataclass(frozen=True)
class OwnerEntry:
    """An owner: the name, and the file of the public key, relative to the vault's folder."""

    name: str
    file: str


@dataclass(frozen=True)
class Manifest:
    """
    Who is in which group, and which secrets a group lists. Secrets have their group in their path: `default/token`.

    >>> from agent_vault import Vault
    >>> manifest = Vault(".").manifest
    >>> manifest.agents["bot"]
    ('stripe', 'default', 'deep', 'empty', 'armored')
    >>> [owner.name for owner in manifest.owners]
    ['olivia']
    """

    owners: tuple[OwnerEntry, ...]
    #: The groups of each agent, in the file's order.
    agents: Mapping[str, tuple[str, ...]]
    #: The secrets of each group, in the file's order.
    groups: Mapping[str, tuple[str, ...]]
    #: The agents that can read a secret without being in one of its groups.
    extra_agents: Mapping[str, tuple[str, ...]]
    #: Whether the manifest lists extra agents. In a vault of agent-vault 0.1 only the metadata does.
    names_extra_agents: bool

    @staticmethod
    def parse(content: bytes) -> Manifest:
        """Raises `INVALID_YAML`, `INVALID_MANIFEST`. Entries with an invalid name are left out, as the command line does."""
        from .fields import Fields, require_texts
        from .strict_yaml import read_yaml

        fields = Fields.of(read_yaml(content, MANIFEST_FILE), "INVALID_MANIFEST", MANIFEST_FILE)
        fields.require("version", 1, "this agent-vault reads version 1 only")
        owners = tuple(OwnerEntry(item.text("name"), item.text("public_key", FIRST_OWNER_FILE)) for item in fields.items("owners"))
        agents: dict[str, tuple[str, ...]] = {}
        for item in fields.items("agents"):
            name, members = item.text("name"), item.texts("groups")
            if is_name(name):
                agents.setdefault(name, _unique(members))
        groups: dict[str, tuple[str, ...]] = {}
        for item in fields.items("groups"):
            name, listed = item.text("name"), item.texts("secrets")
            if is_name(name):
                groups.setdefault(name, _unique(_paths(listed)))
        extra: dict[str, tuple[str, ...]] = {}
        given = fields.values.get("extra_agents")
        for secret, names in Fields.of(given or {}, fields.code, fields.file, "extra_agents").values.items():
            beyond = require_texts(names, fields, f"extra_agents.{secret}")
            for path in _paths([secret]):
                extra[path] = _unique([*extra.get(path, ()), *beyond])
        return Manifest(owners, agents, groups, extra, "extra_agents" in fields.values)

    def require_group(self, name: str) -> tuple[str, ...]:
        """The secrets that a group lists. Raises `GROUP_NOT_FOUND`, whose remedy suggests a similar name, and `INVALID_NAME`."""
        if name in self.groups:
            return self.groups[name]
        if not is_name(name):
            raise _invalid_group(name)
        remedy = f"{did_you_mean(name, self.groups)}A group is created with its first secret."
        raise error("GROUP_NOT_FOUND", f"There is no group {name} in this vault.", remedy)

    def groups_of(self, path: str) -> list[str]:
        """The groups that list a secret, in the file's order."""
        return [group for group, secrets in self.groups.items() if path in secrets]

    def agents_of(self, path: str, authorized: Iterable[str] = ()) -> list[str]:
        """
        The agents that can read a secret: those of the groups that list it, then its extra agents.

        `authorized` are the agents in the secret's metadata, which are the extra agents in a vault of agent-vault 0.1.
        """
        listing = set(self.groups_of(path))
        found = [agent for agent, groups in self.agents.items() if listing.intersection(groups)]
        extra = self.extra_agents.get(path, ()) if self.names_extra_agents else authorized
        return list(_unique([*found, *(agent for agent in extra if agent in self.agents)]))


def _paths(texts: Iterable[str]) -> list[str]:
    return [parse_secret_path(text) for text in texts if is_secret_path(text)]


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _invalid_group(name: str) -> VaultError:
    return error("INVALID_NAME", f"{name!r} is not a group name.", "Choose another name.")
