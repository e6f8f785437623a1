"""As memory-process.mjs, with the Python SDK: memory-process.py CLONE STATES FROM TO"""

import os
import shutil
import sys

from agent_vault import Vault

clone, states, first, last = sys.argv[1:]
root = os.path.join(clone, ".agent-vault")
for state in range(int(first), int(last) + 1):
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(os.path.join(states, str(state)), root)
    Vault(clone, auto_pull=False).get("stripe/api-key")
    os.write(1, f"remembered {state}\n".encode())
