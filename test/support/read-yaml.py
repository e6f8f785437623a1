"""Reads YAML documents with the Python SDK: a line of JSON for each, the data or `null` where it is refused."""

import json
import sys

from agent_vault.errors import VaultError
from agent_vault.format.strict_yaml import read_yaml

for line in sys.stdin:
    try:
        print(json.dumps({"data": read_yaml(json.loads(line).encode("utf-8"), "policy.yaml")}))
    except VaultError as refused:
        print(json.dumps({"refused": refused.code}))
