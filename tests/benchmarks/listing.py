"""Times ``vqfw plugins list`` beside many packages of other people.

    python tests/benchmarks/listing.py

Prints the median of 5 whole processes: with the packages that are installed, and with 60
more in a temporary folder, each with one component whose import would fail. Needs no data.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PACKAGES = 60
RUNS = 5
COMMAND = [sys.executable, "-P", "-c", "from vqfw.cli.command_line import main; main()"]
WANTED = 0.4  # seconds, on the median


def install(site: Path) -> None:
    """Writes the metadata and the modules of the packages."""
    for number in range(PACKAGES):
        (site / f"vqfw_many{number}.py").write_text("raise RuntimeError('imported')\n")
        about = site / f"vqfw_many{number}-0.1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: vqfw-many{number}\nVersion: 0.1\n"
            "Requires-Dist: vqfw>=0.1\n"
        )
        (about / "entry_points.txt").write_text(
            f"[vqfw.losses]\nmany{number} = vqfw_many{number}:Many\n"
        )


def seconds(site: Path | None) -> float:
    """The median time of a whole process that lists."""
    path = [str(site)] if site else []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    times = []
    for _ in range(RUNS + 1):
        begun = time.perf_counter()
        command = [*COMMAND, "plugins", "list", "--json"]
        found = subprocess.run(
            command, env=environment, capture_output=True, check=True, text=True
        )
        times.append(time.perf_counter() - begun)
        assert not site or f'"many{PACKAGES - 1}"' in found.stdout
    return statistics.median(times[1:])  # the first one wrote the byte code


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        few, many = seconds(None), seconds(Path(folder))
    print(f"as installed         {few:.3f} s")
    print(f"{PACKAGES} packages more     {many:.3f} s")
    if many >= WANTED:
        print(f"slower than the {WANTED} s that are wanted", file=sys.stderr)


if __name__ == "__main__":
    main()
