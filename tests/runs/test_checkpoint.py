import hashlib
import json

import numpy as np
import pytest

from vqfw.errors import CheckpointError
from vqfw.runs.checkpoint import Checkpoint, commit, newest, read, steps


def state(step):
    rng = np.random.default_rng(step)
    arrays = {
        "model/kernel": rng.normal(size=(3, 4)).astype("float32"),
        "model/step": np.int32(step),
        "noise/seed_generator_state": np.array([7, step], "uint32"),
        "model/empty": np.zeros((0, 2), "float32"),
    }
    return Checkpoint(step, arrays, {"data": "abc", "patience": {"best": None}})


@pytest.fixture
def folder(tmp_path):
    for step in (4, 8):
        commit(tmp_path / "state", state(step), keep=2)
    return tmp_path / "state"


def load(folder):
    sentences = []
    return newest(folder, sentences.append), sentences


def flip(path, bit):
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(content))


def test_a_checkpoint_is_read_back_bit_by_bit(folder):
    found, sentences = load(folder)
    expected = state(8)
    assert sentences == []
    assert found.step == 8
    assert found.counters == expected.counters
    assert found.arrays.keys() == expected.arrays.keys()
    for path, value in expected.arrays.items():
        assert found.arrays[path].dtype == value.dtype
        assert found.arrays[path].shape == value.shape
        assert found.arrays[path].tobytes() == value.tobytes()


def test_a_run_that_never_committed_has_no_checkpoint(tmp_path):
    assert load(tmp_path / "state") == (None, [])


@pytest.mark.parametrize("file", ["state.npz", "counters.json", "manifest.json"])
def test_a_flipped_bit_is_never_loaded_silently(folder, file):
    path = folder / "00000008" / file
    content = path.read_bytes()
    expected = state(8)
    bits = np.random.default_rng(0).choice(len(content) * 8, 150, replace=False)
    skipped = 0
    for bit in bits:
        flip(path, int(bit))
        found, sentences = load(folder)
        if found.step == 8:  # a letter of the manifest that means the same
            assert file == "manifest.json"
            assert found.counters == expected.counters
            assert all(
                found.arrays[name].tobytes() == np.asarray(value).tobytes()
                for name, value in expected.arrays.items()
            )
        else:
            skipped += 1
            assert found.step == 4
            assert len(sentences) == 1
            assert "00000008" in sentences[0]
        path.write_bytes(content)
    assert skipped >= (100 if file == "manifest.json" else 150)


@pytest.mark.parametrize("file", ["state.npz", "counters.json", "manifest.json"])
@pytest.mark.parametrize("length", [0, 1, 40])
def test_a_truncated_file_is_skipped_with_a_sentence(folder, file, length):
    path = folder / "00000008" / file
    path.write_bytes(path.read_bytes()[:length])
    found, sentences = load(folder)
    assert found.step == 4
    assert len(sentences) == 1
    assert "00000008" in sentences[0]


@pytest.mark.parametrize("file", ["state.npz", "counters.json", "manifest.json"])
def test_a_missing_file_is_skipped_with_a_sentence(folder, file):
    (folder / "00000008" / file).unlink()
    found, sentences = load(folder)
    assert found.step == 4
    assert len(sentences) == 1
    assert "incomplete" in sentences[0]


@pytest.mark.parametrize("change", [{"step": 9}, {"sha256": 3}, {"sha256": ["x"]}])
def test_a_manifest_that_contradicts_its_folder_is_skipped(folder, change):
    path = folder / "00000008" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    found, sentences = load(folder)
    assert found.step == 4
    assert len(sentences) == 1


def test_a_later_format_is_refused_with_the_remedy(folder):
    path = folder / "00000008" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    with pytest.raises(CheckpointError, match=r"format 2.*reads 1.*upgrade vqfw"):
        read(folder / "00000008")


def test_other_files_beside_checkpoints_are_ignored(folder):
    for name in ("9", "notes.txt", "00000007", "٣"):
        (folder / name).write_text("not a checkpoint")
    (folder / "12").mkdir()
    assert steps(folder) == [4, 8]
    commit(folder, state(12), keep=2)
    assert steps(folder) == [8, 12]
    assert load(folder)[0].step == 12


def test_a_checkpoint_of_something_else_is_skipped(folder):
    (folder / "00000012").mkdir()
    (folder / "00000012" / "model.keras").write_bytes(b"PK")
    found, sentences = load(folder)
    assert found.step == 8
    assert len(sentences) == 1


def test_a_run_with_only_damaged_checkpoints_is_an_error(folder):
    for step in (4, 8):
        flip(folder / f"{step:08d}" / "state.npz", 300)
    with pytest.raises(CheckpointError, match=r"every checkpoint in .* is damaged"):
        load(folder)


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_keep_limits_the_number_of_checkpoints(tmp_path, keep):
    for step in range(4, 24, 4):
        commit(tmp_path, state(step), keep)
    assert steps(tmp_path) == list(range(4, 24, 4))[-keep:]


def test_a_damaged_later_checkpoint_does_not_displace_the_new_one(folder):
    flip(folder / "00000008" / "state.npz", 300)
    commit(folder, state(5), keep=1)
    found, sentences = load(folder)
    assert found.step == 5
    assert len(sentences) == 1


def test_arrays_that_would_run_code_are_refused(tmp_path):
    harmful = Checkpoint(4, {"a": np.array([{}], dtype=object)}, {})
    with pytest.raises(ValueError, match="allow_pickle"):
        commit(tmp_path, harmful, keep=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("counters", ["[]", "3", "[" * 100_000, '{"a"'])
def test_counters_that_are_no_object_are_damage(folder, counters):
    state_folder = folder / "00000008"
    (state_folder / "counters.json").write_text(counters)
    manifest = json.loads((state_folder / "manifest.json").read_text())
    digest = hashlib.sha256(counters.encode()).hexdigest()
    manifest["sha256"]["counters.json"] = digest
    (state_folder / "manifest.json").write_text(json.dumps(manifest))
    found, sentences = load(folder)
    assert found.step == 4
    assert "00000008 cannot be read" in sentences[0]


@pytest.mark.parametrize("manifest", ["[]", "3", "[" * 100_000, '{"format": "x"}'])
def test_a_manifest_that_is_no_object_is_damage(folder, manifest):
    (folder / "00000008" / "manifest.json").write_text(manifest)
    found, sentences = load(folder)
    assert found.step == 4
    assert "00000008 is incomplete" in sentences[0]
