"""Keras callbacks of observers get the calls of ``fit``, each alone, and change nothing."""

import keras
import pytest

import vqfw
from vqfw.errors import Interrupted
from vqfw.kinds.hooks import hook
from vqfw.registry.hooks import observers
from vqfw.training import callbacks as room


class Diary(keras.callbacks.Callback):
    """Notes each moment; with ``fails_in``, raises there."""

    def __init__(self, fails_in=None):
        super().__init__()
        self.seen, self.fails_in = [], fails_in

    def note(self, *moment):
        if moment[0] == self.fails_in:
            raise ValueError("oh")
        self.seen.append(moment)

    def on_train_begin(self, logs=None):
        self.note("train begins")

    def on_train_end(self, logs=None):
        self.note("train ends")

    def on_epoch_begin(self, epoch, logs=None):
        self.note("epoch begins", epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.note("epoch ends", epoch)

    def on_train_batch_begin(self, batch, logs=None):
        self.note("batch", batch)

    def on_train_batch_end(self, batch, logs=None):
        self.note("done", batch, logs["loss"] > 0)


@pytest.fixture
def observed(monkeypatch):
    """Lets an observer bring callbacks; gives all that is said of it."""
    # What other packages this machine has is not the matter here.
    monkeypatch.setenv("VQFW_NO_PLUGINS", "1")

    def install(*callbacks):
        said = []

        class Watch:
            @hook
            def vqfw_callbacks(self, run):
                return list(callbacks)

        observers.cache_clear()
        observers().say = said.append
        observers().add("vqfw-watch/watch", Watch())
        return said

    yield install
    observers.cache_clear()


def batches(first, last):
    return [
        each
        for at in range(first, last)
        for each in (("batch", at), ("done", at, True))
    ]


EPOCHS = [
    [("epoch begins", epoch), *batches(0, count), ("epoch ends", epoch)]
    for epoch, count in enumerate((5, 5, 2))
]


def test_callbacks_get_the_calls_that_keras_fit_makes(observed, tiny):
    diary = Diary()
    observed(diary)
    tiny().run(name="a")
    begun, ended = [("train begins",)], [("train ends",)]
    assert diary.seen == [*begun, *EPOCHS[0], *EPOCHS[1], *EPOCHS[2], *ended]


@pytest.mark.processes
def test_a_callback_sees_the_model_and_the_size_of_the_training(observed, tiny):
    diary = Diary()
    observed(diary)
    tiny().run(name="a")
    assert isinstance(diary.model, keras.Model)
    assert diary.model.model.vocabulary == (16,)
    assert diary.params == {"epochs": 3, "steps": 5, "verbose": 0}


@pytest.mark.processes
def test_callbacks_of_a_resumed_run_continue_in_the_same_epoch(observed, tiny, cut):
    cut(tiny(), 7, "interrupted")
    diary = Diary()
    observed(diary)
    vqfw.open_run("cut").resume()
    rest = [("epoch begins", 1), *batches(2, 5), ("epoch ends", 1)]
    assert diary.seen == [("train begins",), *rest, *EPOCHS[2], ("train ends",)]


def test_callbacks_of_an_interrupted_training_get_no_on_train_end(
    observed, tiny, after_step
):
    import signal

    diary = Diary()
    observed(diary)
    after_step(3, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(Interrupted):
        tiny().run(name="a")
    assert diary.seen[-1] == ("done", 2, True)


@pytest.mark.default_cases(1)
@pytest.mark.parametrize(
    ("moment", "method", "told"),
    [
        ("train begins", "on_train_begin", 0),
        ("epoch begins", "on_epoch_begin", 1),
        ("batch", "on_train_batch_begin", 2),
        ("done", "on_train_batch_end", 3),
        ("epoch ends", "on_epoch_end", 12),
        ("train ends", "on_train_end", 31),
    ],
)
def test_a_callback_that_raises_is_detached_and_recorded_and_training_continues(
    observed, tiny, moment, method, told
):
    bad, good = Diary(fails_in=moment), Diary()
    said = observed(bad, good)
    run = tiny().run(name="a")
    assert len(bad.seen) == told
    assert len(good.seen) == 32
    (line,) = said
    assert line == (
        f'Diary of observer "vqfw-watch/watch" failed in {method} (ValueError: oh) and '
        "is detached: repair or uninstall vqfw-watch"
    )
    (failure,) = run.folder.failures
    assert failure["hook"] == f"Diary.{method}"
    assert failure["observer"] == "vqfw-watch/watch"


@pytest.mark.processes
def test_a_callback_that_asks_to_stop_is_ignored_with_one_message(observed, tiny):
    class Impatient(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    said = observed(Impatient())
    assert tiny().run(name="a").trained.steps == 12
    (line,) = said
    assert line.startswith('Impatient of observer "vqfw-watch/watch" asks to stop')
    assert '"early_stopping" in "training"' in line


@pytest.mark.processes
def test_callbacks_of_keras_itself_work(observed, tiny, root):
    path = root / "log.csv"
    observed(keras.callbacks.CSVLogger(path), keras.callbacks.TerminateOnNaN())
    tiny().run(name="a")
    assert len(path.read_text().splitlines()) == 4


@pytest.mark.processes
def test_callbacks_do_not_change_the_weights(observed, tiny, everything):
    plain = everything(tiny().run(name="plain"))
    observed(Diary())
    assert everything(tiny().run(name="watched")) == plain


def test_a_run_without_callbacks_makes_no_calls(tiny, monkeypatch):
    monkeypatch.setattr(
        room.keras.callbacks, "CallbackList", lambda *_: pytest.fail("told")
    )
    tiny("training.steps=2").run(name="a")
