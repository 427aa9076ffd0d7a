"""A trained tokenizer as an ordinary Keras model, to call, fit, save and load.

Keras loads what is registered with it, and importing this module registers the class:
``from vqfw import VQAutoencoder``. Its configuration is an experiment, so whatever a file
says goes through the checks and the registry that every experiment goes through.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import keras
from keras import ops

from vqfw.api.reopened import Reopened
from vqfw.api.turn import one_at_a_time
from vqfw.assembly.autoencoder import Autoencoder
from vqfw.kinds.model import COMMITMENT, Model
from vqfw.kinds.tensors import Images
from vqfw.plan import Plan


@keras.saving.register_keras_serializable("vqfw")
class VQAutoencoder(keras.Model):
    """Reconstructs images with the model of an experiment; ``run.model`` holds the weights.

        tokenizer = run.model
        pictures = tokenizer(images)                       # in [0, 1], like images
        outer = keras.Sequential([tokenizer, keras.layers.Conv2D(3, 3, padding="same")])
        inputs = keras.Input(tokenizer.input_spec.shape[1:])
        outer = keras.Model(inputs, tokenizer(inputs))     # the functional form
        tokenizer.save("faces.keras")
        from vqfw import VQAutoencoder                     # before load_model: registers it
        keras.saving.load_model("faces.keras")

    It takes floats in [0, 1], (batch, height, width, channels), and returns their
    reconstruction in float32; clipped to [0, 1] unless it is training, so that it is what
    ``run.evaluate()`` scores. Floats outside [0, 1] are not refused. An inner layer
    cannot be the output of another ``keras.Model``.

    Fitting it, or a model around it, trains encoder, quantizer and decoder, and moves the
    codes that follow an average. Each training step adds the model's own losses with
    ``add_loss``: codebook and auxiliary as they are, commitment times ``beta``, the weight
    that the training ended with. The reconstruction loss is that of the outer ``compile``.
    Augmentation, revival and schedules of beta belong to ``Experiment.run`` and do not run
    here. With ``trainable = False`` nothing changes: no weight, code or counter. A subclass
    of ``keras.Model`` around it passes ``training`` on, as to a dropout layer.

    Args:
        experiment: what ``get_config`` gave, or the content of an experiment file. Its
            data is not read.
        name: of the model; None makes a unique one.
        trainable: whether ``fit`` changes it.

    Attributes:
        tokenizer: the ``vqfw.kinds.Model``, with ``encode`` and ``decode_tokens``.

    Raises:
        ExperimentError: if the experiment is not valid, or a component is not installed.
        RunError: if another thread of this process is training.
    """

    def __init__(
        self,
        experiment: Mapping[str, Any],
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype="float32")
        plan, self.tokenizer = _built(experiment, self.name)
        self._experiment = json.dumps(_portable(plan))
        self.beta = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(
                0.0 if self.tokenizer.beta is None else self.tokenizer.beta.initial
            ),
            trainable=False,
            name="beta",
        )
        self.input_spec = keras.layers.InputSpec(shape=(None, *plan.image_shape))
        # XLA makes TensorFlow's step slower on processors, as in the engine's training.
        self.supports_jit = keras.backend.backend() != "tensorflow"
        self.build((None, *plan.image_shape))

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Records the shape, which ``export`` asks for; all variables are there already."""
        self.built = True

    def call(self, images: Images, training: bool = False) -> Images:
        """Reconstructs images: (batch, height, width, channels) in [0, 1].

        Raises:
            TypeError: if the images are integers.
        """
        if "int" in (dtype := keras.backend.standardize_dtype(images.dtype)):
            raise TypeError(f"images are {dtype}, not floats in [0, 1]: divide by 255")
        learns = bool(training) and self.trainable
        output = self.tokenizer(images, training=learns)
        if not learns:
            return ops.clip(output.reconstruction, 0.0, 1.0)
        for name, loss in output.losses.items():
            self.add_loss(self.beta * loss if name == COMMITMENT else loss)
        return output.reconstruction

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> Any:
        """The shape of the images; JAX cannot trace quantizers without a batch size."""
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """The resolved experiment with the precision of the training, without places."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "experiment": json.loads(self._experiment),
        }


def scored_model(run: Reopened) -> VQAutoencoder:
    """The model of a run with the weights that ``Run.evaluate`` scores."""
    plan, trained = _trained(run)
    model = VQAutoencoder(_portable(plan))
    variables = [*model.tokenizer.variables, model.beta]
    scored = [*trained.model.variables, trained.beta]
    for variable, value in zip(variables, scored, strict=True):
        variable.assign(value)
    return model


@one_at_a_time()
def _trained(run: Reopened) -> tuple[Plan, Autoencoder]:
    plan = run.plan("eval", "--run", run.folder.id)
    return plan, run.autoencoder(plan)


@one_at_a_time()
def _built(experiment: Mapping[str, Any], name: str) -> tuple[Plan, Model]:
    """The plan of an experiment and its model; names of variables begin with ``name``."""
    from vqfw.assembly.assemble import build_named_model
    from vqfw.experiment import as_recorded, experiment_from
    from vqfw.plan import make_plan

    plan = make_plan(experiment_from(as_recorded(experiment)))
    with keras.name_scope(name):
        return plan, build_named_model(plan)


def _portable(plan: Plan) -> dict[str, Any]:
    """The experiment of a plan with its precision settled, and no folder of this machine."""
    experiment: dict[str, Any] = json.loads(plan.experiment.resolved_json())
    experiment["training"]["precision"] = plan.precision
    dataset = experiment["data"]["dataset"]
    if dataset.get("path"):
        dataset["path"] = PurePath(dataset["path"]).name
    return experiment
