"""A folder or archive of pictures where an experiment file is expected."""

from __future__ import annotations

import json
import os
import shlex
import stat
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from vqfw.api.pictures import dataset_at
from vqfw.api.talk import Say
from vqfw.errors import DataError, UsageError
from vqfw.runs import default_root

if TYPE_CHECKING:
    from vqfw.experiment.starter import Pictures

_MOST_FILES = 50  # JSON files of a folder that are looked into


def experiment_file(path: str | Path, say: Say) -> Path:
    """The file of an experiment; of pictures, one is written that trains on them.

    It is ``NAME.json`` in the working folder, called like the folder or the archive, and
    never replaces another file.

    Args:
        path: of the file, which is then returned; or of a folder or archive of pictures.
        say: takes a sentence if a file was written, or is there already.

    Raises:
        UsageError: if it is neither; if it is the folder of a run or of an experiment; if
            another file is in the way, or none can be written.
        DataError: if there are fewer than two pictures, or they cannot be read.
    """
    typed = Path(path)
    if not _holds_pictures(typed):
        return typed
    from vqfw.experiment.starter import name_of, starter_for
    from vqfw.runs.outputs import checked_file, write_output

    name = name_of(typed.resolve().name)
    target = Path(f"{name}.json")
    if typed.is_dir():
        _refuse_other_folders(typed, target)
    pictures = _pictures(typed)
    content = starter_for(pictures, name).encode()
    if os.path.lexists(target):
        if not target.is_file() or target.read_bytes() != content:
            raise _in_the_way(target, typed, pictures.path)
        say(f"{target} trains on {typed} and is used as it is")
        return target
    place = checked_file(target, "run this in a folder that can be written")
    write_output(place, content)
    say(f"wrote {target}, which trains on the {pictures.count:,} pictures of {typed}")
    return target


def _holds_pictures(path: Path) -> bool:
    """Whether a path is a folder or an archive, and not the file of an experiment."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            os.scandir(path).close()
            return True
        # What is missing, or a pipe, is for the reader of experiments.
        if not stat.S_ISREG(mode) or path.suffix == ".json":
            return False
        with path.open("rb") as file:
            head = file.read(512)
        if head.startswith((b"PK\3\4", b"PK\5\6")) or tarfile.is_tarfile(path):
            return True
    except PermissionError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): allow it, as in: "
            f"chmod u+rX {shlex.quote(str(path))}"
        ) from error
    except (OSError, ValueError):
        return False
    if b"\0" in head or b"\xff" in head:  # no text has these
        raise UsageError(
            f"{path} is neither an experiment (JSON) nor a folder or archive (zip, tar) "
            "of pictures: give one of these, as in: vqfw run ./my_pictures"
        )
    return False


def _pictures(path: Path) -> Pictures:
    """Number, size and colour of the pictures; a ``DataError`` if there are not two."""
    from vqfw.data.headers import glance
    from vqfw.experiment.starter import Pictures

    seen = glance(dataset_at(path.absolute()))
    if seen.count < 2:
        raise DataError(
            f"{path} holds a single picture, and one is needed to train on and one to "
            "test with: add pictures"
        )
    said = path.as_posix()
    if not path.is_absolute() and not said.startswith("../"):
        said = f"./{said}"  # a name alone is that of a component
    return Pictures(said, seen.count, seen.short_side or 64, seen.grey)


def _refuse_other_folders(path: Path, target: Path) -> None:
    """Raises a ``UsageError`` for the folder of a run, of runs or of an experiment."""
    real, default = path.resolve(), default_root().resolve()
    if (path / "resolved.json").is_file():
        root = real.parent.parent
        before = "" if root == default else f"VQFW_ROOT={shlex.quote(str(root))} "
        again = f"{before}vqfw run --resume {shlex.quote(real.name)}"
        raise UsageError(f"{path} is a run: resume it with: {again}")
    if next(path.glob("*/resolved.json"), None) is not None:
        raise UsageError(f"{path} holds runs: list them with: vqfw runs list")
    files = sorted(path.glob("*.json"), key=lambda each: each.name)[:_MOST_FILES]
    for file in sorted(files, key=lambda each: each.name != "experiment.json"):
        is_target = target.exists() and file.exists() and file.samefile(target)
        if _is_experiment(file) and not is_target:
            quoted = shlex.quote(str(file))
            raise UsageError(
                f"{path} holds an experiment: check it with: vqfw plan {quoted}; "
                f"train it with: vqfw run {quoted}"
            )
    outputs = default / "images_saved"
    if real == outputs or outputs in real.parents:
        raise UsageError(
            f"{path} holds pictures that runs have saved: list the runs with: "
            "vqfw runs list"
        )
    if real == real.parent:
        raise UsageError(
            f"{path} is the root of the file system, not a folder of pictures: write an "
            "experiment with: vqfw init"
        )
    if default.is_relative_to(real):
        above, name = (
            shlex.quote(str(each)) for each in (real.parent, f"./{real.name}")
        )
        raise UsageError(
            f"runs would be written into {path}, among the pictures: leave the folder with: "
            f"cd {above} && vqfw run {name}"
        )


def _is_experiment(path: Path) -> bool:
    from vqfw.text.reader import MAX_BYTES, scan

    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        return False
    root, _ = scan(path.read_text("utf-8", errors="replace"), str(path))
    keys = root.value if root is not None else None
    return isinstance(keys, dict) and (
        {"data", "model"} <= {*keys} or "extends" in keys
    )


def _in_the_way(target: Path, typed: Path, said: str) -> UsageError:
    """The error where another file has the name, with the command that trains it."""
    fact = (
        f"{target} is there already, with other content than {typed} would give, and "
        "nothing is overwritten"
    )
    if not _is_experiment(target):
        return UsageError(f"{fact}: move it away")
    command = f"vqfw run {target}"
    text = target.read_text("utf-8", errors="replace")
    if json.dumps(said, ensure_ascii=False) not in text:
        command += f" --set {shlex.quote(f'data.dataset={said}')}"
    return UsageError(f"{fact}: to train it: {command}; or move it away")
