"""What a program is told of secrets and agents, without any value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from .files.vault_files import VaultFiles
from .format.layout import metadata_file
from .format.names import format_secret_path


@dataclass(frozen=True)
class SecretMetadata:
    """
    What is known of a secret without its value. Times are in UTC, and `None` if they are not known.

    >>> from agent_vault import Vault
    >>> secret = Vault(".").list_secrets("stripe")[0]
    >>> secret.name, secret.group, secret.expires.year
    ('stripe/api-key', 'stripe', 2031)
    """

    #: `group/name`; a secret of the group `default` has its name only.
    name: str
    group: str
    created: datetime | None
    #: When the value was last set.
    rotated: datetime | None
    expires: datetime | None
    #: The agents that can read it, in the manifest's order.
    authorized_agents: list[str]


class AgentInfo(TypedDict):
    """
    An agent and its groups.

    >>> from agent_vault import Vault
    >>> Vault(".").list_agents()[1]
    {'name': 'idle', 'groups': []}
    """

    name: str
    groups: list[str]


def secret_metadata(files: VaultFiles, path: str) -> SecretMetadata:
    """Raises `INVALID_YAML`, `INVALID_METADATA`, `INVALID_MANIFEST`."""
    from .format.metadata import NO_METADATA, parse_metadata

    content = files.read(metadata_file(path))
    metadata = NO_METADATA if content is None else parse_metadata(content, path)
    groups = files.manifest.groups_of(path)
    return SecretMetadata(
        name=format_secret_path(path),
        group=metadata.group or (groups[0] if groups else "default"),
        created=metadata.created,
        rotated=metadata.rotated or metadata.created,
        expires=metadata.expires,
        authorized_agents=list(files.agents_of(path)),
    )
