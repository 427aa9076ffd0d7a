"""An experiment: read, checked, changed, planned and run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqfw import experiment as experiments
from vqfw.api.given import given_images, on_array, with_array
from vqfw.api.inventory import use_plugin, write_schema
from vqfw.api.own_pictures import experiment_file
from vqfw.api.planning import dataset_path, plan_of
from vqfw.api.preparation import splits_to_train_on
from vqfw.api.records import record
from vqfw.api.run import Run, root_of
from vqfw.api.talk import Say, problems_in_full, speaker
from vqfw.api.training import train_and_score
from vqfw.api.turn import one_at_a_time
from vqfw.errors import UsageError
from vqfw.problems.printing import render
from vqfw.runs import create_run
from vqfw.runs.outputs import checked_file, write_output
from vqfw.streams import tell

if TYPE_CHECKING:
    from vqfw.plan import Plan

_ELSEWHERE = "run this in another folder"


@problems_in_full()
def load(
    experiment: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    plugins: Sequence[str | Path] = (),
    say: Say = tell,
) -> Experiment:
    """Reads and checks an experiment; nothing is trained and Keras is not imported.

        experiment = vqfw.load("experiments/experiment.json")
        experiment = vqfw.load(
            {
                "name": "faces",
                "data": {"dataset": "orl", "image_size": 64},
                "model": {
                    "type": "vqvae",
                    "encoder": {"type": "residual_conv", "filters": 32},
                    "quantizer": {"type": "ema", "num_embeddings": 256},
                    "decoder": {"type": "residual_conv", "filters": 32},
                },
                "training": {"steps": 200, "batch_size": 32},
            }
        )

    To train on an array, write ``"data": {"dataset": "arrays", "image_size": 64}`` and
    give it to ``experiment.run(images=array)``.

    All other settings have defaults: ``experiment.checked.explain()`` lists them.
    ``vqfw.components("quantizer")`` lists the components of a kind, and
    ``vqfw.describe("quantizer/ema").options`` the options of one.

    Args:
        experiment: the path of a file; or what such a file says, as a mapping; or the
            path of a folder or archive of pictures, for which an experiment is written
            to ``NAME.json`` in the working folder.
        overrides: ``a.b=value`` each, as ``--set`` takes them; a mapping goes to ``set``.
        plugins: Python files with further components; see ``use_plugin``.
        say: gets a sentence when a file is written; by default it goes to stderr.

    Raises:
        ExperimentError: with all problems at once.
        UsageError: if the path is neither, or another file has that name already.
        DataError: if there are fewer than two pictures.
        PluginError: if a plugin cannot be run, or a component cannot be used.
    """
    if isinstance(overrides, Mapping | str):
        raise TypeError(
            'overrides are a list such as ["seed=3"]: give a mapping to .set(), as in '
            'vqfw.load(...).set({"seed": 3})'
        )
    for plugin in plugins:
        use_plugin(plugin)
    if isinstance(experiment, Mapping):
        return Experiment(experiments.experiment_from(experiment, overrides))
    file = experiment_file(experiment, say)
    return Experiment(experiments.load_experiment(file, overrides))


def init(folder: Path = Path()) -> tuple[Path, Path]:
    """Writes an experiment to begin with, commented, and its schema.

    Args:
        folder: gets ``experiments/experiment.json`` and the schema.

    Raises:
        UsageError: if either is there already, or cannot be written; nothing is
            overwritten.
    """
    from vqfw.experiment.starter import STARTER

    target = folder / "experiments" / "experiment.json"
    for path in (target, folder / "schemas" / "experiment.schema.json"):
        if path.exists():
            fact = f"{path} is there already, and nothing is overwritten"
            raise UsageError(f"{fact}: {_ELSEWHERE}")
    checked_file(target, _ELSEWHERE)
    schema = write_schema(folder)
    write_output(target, STARTER.encode())
    return target, schema


@dataclass(frozen=True, repr=False)
class Experiment:
    """A checked experiment: change it with ``set``, train it with ``run``.

        experiment = vqfw.load("experiments/experiment.json")
        run = experiment.set("training.steps", 200).run()

    Args:
        checked: the values and where each one was set.
    """

    checked: experiments.CheckedExperiment

    @problems_in_full()
    def set(self, changes: str | Mapping[str, Any], /, *value: Any) -> Experiment:
        """A new experiment with one or several values changed, checked together.

            experiment.set("model.quantizer.decay", 0.995)
            experiment.set({"training.steps": 200, "model.quantizer": "gradient"})

        Args:
            changes: a path of keys such as ``model.quantizer.decay`` or
                ``losses[0].weight``; or a mapping of paths to values.
            value: of the one path: anything JSON has.

        Raises:
            ExperimentError: with all problems, as ``--set`` prints them.
        """
        known = isinstance(changes, str | Mapping)
        if not known or isinstance(changes, str) != (len(value) == 1):
            raise TypeError("set() takes a path and its value, or a mapping of these")
        pairs = {changes: value[0]} if isinstance(changes, str) else changes
        return Experiment(self.checked.set(pairs))

    @one_at_a_time()
    def plan(self, find_data: bool = True) -> Plan:
        """Settles and checks everything that does not need the data.

        Args:
            find_data: whether the dataset's path must lead somewhere.

        Raises:
            ExperimentError: with all problems that the components report.
            DataError: if the dataset's path leads nowhere.
            RunError: if another thread of this process is training.
        """
        path = dataset_path(self.checked) if find_data else None
        return plan_of(self.checked, path)

    @one_at_a_time(trains=True)
    def run(
        self,
        name: str | None = None,
        root: str | Path | None = None,
        quiet: bool = False,
        images: Any = None,
        groups: Sequence[Any] | None = None,
    ) -> Run:
        """Trains a new run, scores it on held-out images and records all of it.

            run = vqfw.load("experiments/experiment.json").run()
            run.scores["test"]["psnr"]["value"]

            run = experiment.run(images=array, groups=names)   # in place of its dataset

        Records and weights go to ``checkpoints/<run>/``, pictures to
        ``images_saved/<run>/``. Progress is shown on stderr, in a notebook below the cell.

        Args:
            name: its id; None makes one from the time.
            root: the folder with ``checkpoints/`` and ``images_saved/``; None for
                ``VQFW_ROOT``, else the working folder.
            quiet: whether to show nothing.
            images: an array to train on: (n, height, width, channels) with 1 or 3
                channels, uint8 or floats in [0, 1]. ``data.crop`` and
                ``data.image_size`` apply as they do to files: each image needs as many
                pixels as the crop, ``experiment.set("data.crop", None)`` takes the
                largest square, and 8 bits are kept. The dataset of the run is then
                ``arrays``. A checksum is recorded and no pixel: ``run.resume``,
                ``run.evaluate`` and ``run.images`` of a run that is opened later take
                images and groups again.
            groups: who or what is on each image: n labels. A group stays in one split.
                None makes each image its own group.

        Raises:
            DataError: if the array has another shape, type or range, or there are not as
                many labels as images.
            RunError: if another thread of this process is training: it takes one at a
                time.
            VqfwError: see ``vqfw.errors``; a run that trained at all can be resumed.
        """
        if not isinstance(name, str | None):
            kind = type(name).__name__
            raise TypeError(
                f"name is text, not {kind}: for an array write images=array"
            )
        root, say = root_of(root), speaker(quiet)
        given = given_images(images, groups)
        experiment = Experiment(on_array(self.checked, given, say))
        plan = with_array(experiment.plan(), given)
        if plan.warnings:
            say(render(plan.warnings))
        splits = splits_to_train_on(plan, quiet)
        folder = create_run(root, self.checked.name, name)
        run = Run(folder)
        run._splits, run._given = splits, given
        try:
            with folder.locked():
                record(folder, plan, splits, say)
                run.trained = train_and_score(run.folder, plan, splits, quiet)
        except BaseException:
            # Nothing to go on with; and the name stays free for the next try.
            if folder.is_untrained:
                folder.discard()
            raise
        return run

    def __repr__(self) -> str:
        name, settings = self.checked.name, self.checked.training
        steps, model = settings.steps, self.checked.model["type"]
        length = f"{steps:,} steps" if steps else f"{settings.epochs:,} epochs"
        return f"<Experiment {name}: {model}, {length}>"

    def _repr_html_(self) -> str:
        return self.checked._repr_html_()
