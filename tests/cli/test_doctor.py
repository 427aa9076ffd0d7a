"""``vqfw doctor``: this machine without a run, a codebook with one."""

import json
import subprocess
import sys
from importlib import metadata

import pytest

import vqfw


def collapse(run, scale):
    """Rewrites the log of a run: one code in use, and codes that began at a scale of the latents."""
    log = run.folder.path / "metrics.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        if "usage" in line:
            line |= {"usage": 0.0625, "perplexity": 1.0, "dead_codes": 15.0}
            line |= {"surviving": 0.9}
        if "code_spread" in line:
            line["code_spread"] = scale * line["latent_spread"]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_doctor_prints_the_numbers_and_a_verdict_of_a_run(done, command):
    answer = command("doctor", "done")
    assert answer.code == 0
    first, *_, last = answer.out.splitlines()
    assert first.startswith("run done · 12 steps · usage ")
    assert "perplexity" in first
    assert "of 16" in first
    assert "spread of the latents" in answer.out
    assert "test images · psnr" in answer.out
    assert last == "nothing wrong found"


def test_a_collapse_gets_its_cause_and_the_setting_to_change(done, command):
    collapse(done, scale=0.01)
    answer = command("doctor", "latest")
    assert answer.code == 0
    assert "1. initial scale wrong: the codes began with a spread of " in answer.out
    assert "100 times smaller" in answer.out
    assert "nothing wrong" not in answer.out
    found = done.diagnose()
    assert found.findings[0].setting == "model.quantizer.initialization"


def test_a_collapse_without_a_known_cause_is_reported_as_unexplained(done, command):
    collapse(done, scale=1.0)
    log = done.folder.path / "metrics.jsonl"
    text = log.read_text().replace('"dead_codes": 15.0', '"dead_codes": 1.0')
    log.write_text(text)
    answer = command("doctor", "done")
    assert "no known cause was found" in answer.out


def test_json_gives_the_evidence(done, command):
    data = command("doctor", "done", "--json").data
    assert data["run"] == "done"
    assert data["healthy"] is True
    assert data["findings"] == []
    assert data["evidence"]["codes"] == 16
    assert data["evidence"]["tokens"] == 8 * 16
    assert data["scores"]["psnr"] > 0


def test_a_diagnosis_imports_no_keras(done, root):
    code = (
        "import sys; from vqfw.cli.command_line import vqfw\n"
        "vqfw.main(['doctor', 'done'], standalone_mode=False)\n"
        "loaded = {'keras', 'tensorflow', 'torch', 'jax'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr


def test_an_unknown_run_is_an_error(root, command):
    answer = command("doctor", "nobody")
    assert answer.code == 2
    assert "nobody" in answer.err


def test_doctor_describes_the_machine(root, command):
    answer = command("doctor")
    assert answer.code == 0
    for word in ("vqfw 0", "keras 3", "backend", "precision", "threads", "none broken"):
        assert word in answer.out


def test_doctor_lists_a_broken_plugin_with_its_reason(root, command, install):
    points = {"vqfw.beta": "odd = MODULE:Odd"}
    install("vqfw-odd", "raise RuntimeError('no such luck')", points)
    answer = command("doctor", "--json")
    assert answer.code == 3
    assert answer.data["broken"]
    assert "no such luck" in answer.err


def test_the_python_twin_gives_the_same_diagnosis(root):
    found = vqfw.doctor()
    assert found["backend"]
    assert found["devices"]
    assert found["components"] > 20
    assert found["broken"] == []


def test_a_run_records_steps_revival_and_early_stopping(done):
    kept = json.loads((done.folder.path / "training.json").read_text())
    assert kept["steps"] == 12
    assert set(kept["revival"]) == {"revived", "examined", "survived"}
    assert kept["stopped_early"] is False


def test_doctor_fits_80_columns(root, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("VQFW_CACHE", "/proc/cache")
    monkeypatch.setenv("VQFW_DATA", "/proc/data")
    lines = command("doctor").out.splitlines()
    assert all(len(line) <= 80 for line in lines if str(root) not in line)
    labels = [line[:11].strip() for line in lines if line[:11].strip()]
    assert labels == [
        "python", "packages", "processor", "backend", "precision", "runs", "cache",
        "trust", "data", "components", "limits",
    ]  # fmt: skip


def test_doctor_prints_each_limit_with_its_repair(root, command, monkeypatch):
    version = metadata.version

    def lacking(name):
        if name in ("tensorboard", "jax"):
            raise metadata.PackageNotFoundError(name)
        return "0.1" if name == "rich" else version(name)

    monkeypatch.setattr("importlib.metadata.version", lacking)
    monkeypatch.setenv("VQFW_CACHE", "/proc/cache")
    monkeypatch.setenv("VQFW_DATA", "/nothing/here")
    monkeypatch.setenv("VQFW_ROOT", "/proc")
    monkeypatch.setenv("VQFW_STATE", "/proc/state")
    monkeypatch.setattr("os.access", lambda place, how: str(place) != "/proc")
    answer = command("doctor", "--json")
    assert answer.code == 0
    assert answer.data["backends"]["jax"] is None
    told = "\n".join(answer.data["limits"])
    assert "rich 0.1 is too old: pip install 'rich>=" in told
    assert "pip install 'vqfw[tensorboard]'" in told
    assert "no run can be saved in /proc: set VQFW_ROOT" in told
    assert "/proc/cache cannot be written" in told
    assert "set VQFW_STATE to a folder of your own" in told
    assert "VQFW_DATA is /nothing/here, where nothing is" in told


@pytest.mark.parametrize(
    ("backend", "told"),
    [("mxnet", 'backend "mxnet" cannot train'), ("jax", '"jax" is not installed')],
)
def test_doctor_names_an_unusable_backend_and_exits_with_2(
    backend, told, root, command, monkeypatch
):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.setattr(
        "vqfw.api.machine.installed_backends", lambda: ("tensorflow", "torch")
    )
    answer = command("doctor")
    assert answer.code == 2
    assert told in answer.out
    assert "set KERAS_BACKEND to tensorflow or torch" in " ".join(answer.out.split())
