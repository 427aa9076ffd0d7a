"""Whether a run was made here, by this person on this machine, or came from elsewhere.

A run carries a signature of what it may lead to: its experiment, where its data lies and
the checksums of its plugin files. Only this person's key makes one, so a stranger cannot.
It does not vouch for what the run contains: weights, scores, logs and settled values may have
been changed since. The name of the run is no part of it: a copy under another name stays this person's own, and
a run whose experiment was changed by hand does not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from vqfw.errors import RunError
from vqfw.runs.files import read_own
from vqfw.runs.folder import RunFolder
from vqfw.runs.trusted import is_signed, signature

KEY = "made_here"
"""Where ``environment.json`` has the signature."""


def sign(environment: Mapping[str, Any], resolved: bytes) -> str:
    """The signature of a run that is being made here.

    Args:
        environment: as it will be recorded.
        resolved: the bytes of ``resolved.json``.

    Raises:
        OSError: if this person has no key and none can be made.
    """
    return signature(_signed(environment, resolved))


def is_made_here(run: RunFolder) -> bool:
    """Whether a run is this person's own, made on this machine."""
    try:
        environment = run.environment
        resolved = read_own(run.path / "resolved.json")
    except (OSError, RunError):
        return False
    return is_signed(_signed(environment, resolved), environment.get(KEY))


def _signed(environment: Mapping[str, Any], resolved: bytes) -> bytes:
    plugins = sorted(each["sha256"] for each in environment.get("plugin_files", ()))
    digest = hashlib.sha256(resolved).hexdigest()
    return json.dumps([digest, environment.get("dataset_path"), plugins]).encode()
