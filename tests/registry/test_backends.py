"""The backend is known before Keras is imported."""

from __future__ import annotations

import keras

from vqfw.registry.backends import chosen_backend, installed_backends


def test_the_backend_is_found_as_keras_finds_it(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert chosen_backend() == "tensorflow"
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert chosen_backend() == "jax"
    (tmp_path / "keras.json").write_text("[]")
    assert chosen_backend() == "tensorflow"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert chosen_backend() == "torch"


def test_chosen_backend_is_the_backend_that_keras_uses():
    assert chosen_backend() == keras.backend.backend()
    assert chosen_backend() in installed_backends()
