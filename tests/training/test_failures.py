"""NaN and infinity never reach a checkpoint, and the printed command works."""

import threading
from contextlib import contextmanager

import numpy as np
import pytest
from keras import ops

import vqfw
from vqfw.assembly.autoencoder import Autoencoder
from vqfw.errors import NonFiniteError, VqfwError
from vqfw.runs.checkpoint import newest, steps


@pytest.fixture
def poisoned(after_step):
    """Puts a number into a variable of the model after a step."""

    @contextmanager
    def install(step, find, number):
        found = []
        real = Autoencoder.__init__

        def noted(self, *arguments, **options):
            real(self, *arguments, **options)
            found.append(self)

        def poison():
            variable = find(found[-1])
            variable.assign(ops.full(variable.shape, number, dtype=variable.dtype))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Autoencoder, "__init__", noted)
            after_step(step, poison, patch)
            yield

    return install


WHERE = {
    "a weight": lambda autoencoder: autoencoder.trainable_variables[0],
    "the last weight": lambda autoencoder: autoencoder.trainable_variables[-1],
    "a codebook": lambda autoencoder: autoencoder.model.quantizer.sums,
    "a count": lambda autoencoder: autoencoder.model.quantizer.counts,
    "the usage": lambda autoencoder: autoencoder.monitor.mass,
    "a moment": lambda autoencoder: autoencoder.optimizer.variables[2],
}


@pytest.mark.default_cases(2)
@pytest.mark.parametrize(
    ("where", "number"),
    [*((where, np.nan) for where in WHERE), ("a weight", np.inf)],
)
def test_a_state_that_is_not_finite_is_never_committed(where, number, tiny, poisoned):
    change = "training.checkpoint_every=2"
    experiment = tiny(change, "training.steps=6")
    clip = pytest.raises(NonFiniteError, match="global_clipnorm")
    with poisoned(4, WHERE[where], number), clip:
        experiment.run(name="a")
    run = vqfw.open_run("a")
    assert steps(run.folder.states) == [2]
    found = newest(run.folder.states, skipped=pytest.fail)
    assert found is not None
    assert all(np.isfinite(each).all() for each in found.arrays.values())


def test_a_loss_that_was_never_finite_leaves_no_checkpoint_and_says_so(tiny, poisoned):
    said = pytest.raises(NonFiniteError, match="nothing was saved yet")
    with poisoned(1, WHERE["a weight"], np.nan), said:
        tiny().run(name="a")
    assert vqfw.list_runs() == [] or not steps(vqfw.open_run("a").folder.states)


@pytest.mark.processes
def test_the_command_named_after_a_non_finite_loss_works(tiny, poisoned, command):
    with poisoned(6, WHERE["the last weight"], np.nan):
        answer = command("run", "tiny.json", "--name", "a", "--quiet")
    assert answer.code == 1
    assert "the loss of step 7 is nan" in answer.err
    assert answer.hint() == ["eval", "--run", "a"]
    assert command(*answer.hint(), "--quiet").code == 0


def test_a_plugin_that_fails_in_the_first_step_leaves_no_run(tiny, after_step, root):
    def fail():
        raise VqfwError("no")

    after_step(1, fail)
    with pytest.raises(VqfwError, match="no"):
        tiny().run(name="a")
    assert not list(root.glob("checkpoints/*"))
    assert not list(root.glob("images_saved/*"))


def test_threads_that_make_batches_end_with_the_training(tiny, after_step):
    def fail():
        raise VqfwError("no")

    after_step(2, fail)
    with pytest.raises(VqfwError, match="no"):
        tiny().run()
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith("vqfw-batches") for name in names)
