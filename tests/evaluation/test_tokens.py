import os

import numpy as np
import pytest

from vqfw.errors import DataError
from vqfw.evaluation.tokens import TokenFile


@pytest.fixture
def file():
    tokens = np.random.default_rng(0).integers(0, 300, (6, 2, 2, 2)).astype("int32")
    names = tuple(f"person {number}/ä.png" for number in range(6))
    return TokenFile(tokens, names, (8, 8, 3), (300, 300), "f" * 32)


def test_a_token_file_comes_back_as_it_was(file, tmp_path):
    file.save(tmp_path / "any name")
    assert [path.name for path in tmp_path.iterdir()] == ["any name"]
    found = TokenFile.load(tmp_path / "any name")
    np.testing.assert_array_equal(found.tokens, file.tokens)
    assert found.tokens.dtype == np.int32
    assert {**found.__dict__, "tokens": 0} == {**file.__dict__, "tokens": 0}


@pytest.mark.parametrize(("size", "kind"), [(256, "uint8"), (257, "uint16")])
def test_tokens_take_the_smallest_integers_that_hold_them(size, kind, tmp_path):
    tokens = np.full((1, 2, 2, 1), size - 1)
    TokenFile(tokens, ("a",), (8, 8, 3), (size,), "").save(tmp_path / "t.npz")
    with np.load(tmp_path / "t.npz") as archive:
        assert archive["tokens"].dtype == kind
    assert TokenFile.load(tmp_path / "t.npz").tokens.max() == size - 1


def test_a_token_that_does_not_fit_int32_is_refused(file, tmp_path):
    path = tmp_path / "tokens.npz"
    file.save(path)
    arrays = dict(np.load(path))
    arrays["tokens"] = arrays["tokens"].astype("int64")
    arrays["tokens"].flat[0] = 2**32 + 1
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="does not fit int32"):
        TokenFile.load(path)


@pytest.mark.parametrize("kind", ["flip", "truncate", "zero"])
def test_a_damaged_token_file_is_refused_or_unharmed(kind, file, tmp_path):
    path = tmp_path / "t.npz"
    file.save(path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    sentences = []
    for _ in range(150):
        at = int(rng.integers(len(content)))
        damaged = bytearray(content)
        if kind == "flip":
            damaged[at] ^= 1 << int(rng.integers(8))
        elif kind == "truncate":
            del damaged[at:]
        else:
            damaged[at : at + 64] = bytes(min(64, len(content) - at))
        path.write_bytes(damaged)
        try:
            found = TokenFile.load(path)
        except DataError as error:
            sentences.append(str(error))
            continue
        np.testing.assert_array_equal(found.tokens, file.tokens)
        assert found.fingerprint == file.fingerprint
    assert len(sentences) > 60
    assert all(f"{path} is not a token file" in sentence for sentence in sentences)


def test_a_token_file_with_a_pickle_is_refused(tmp_path):
    class Harmful:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    payload = np.array([Harmful()], dtype=object)
    np.savez(tmp_path / "t.npz", tokens=payload, allow_pickle=True)
    with pytest.raises(DataError, match="not a token file"):
        TokenFile.load(tmp_path / "t.npz")
    assert not (tmp_path / "harm").exists()


def test_a_failed_save_leaves_the_old_token_file(file, tmp_path, monkeypatch):
    path = tmp_path / "t.npz"
    path.write_bytes(b"old")

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space"):
        file.save(path)
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1
