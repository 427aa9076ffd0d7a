"""Whether a run was made here, by this person on this machine, or came from elsewhere.

A run carries a signature of its experiment, the place of its data and the checksums of its
plugin files, made with this person's key. Weights, scores, logs and settled values are not
signed and may have been changed since, and neither is the name: a copy under another name
still counts as made here, a run whose experiment was changed by hand does not.
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
"""The key of the signature in ``environment.json``."""


def sign(environment: Mapping[str, Any], resolved: bytes) -> str:
    """The signature of a run that is being made here.

    Args:
        environment: as it will be recorded.
        resolved: the bytes of ``resolved.json``.

    Raises:
        OSError: if there is no key and none can be made.
    """
    return signature(_signed(environment, resolved))


def is_made_here(run: RunFolder) -> bool:
    """Whether this person made the run on this machine."""
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
