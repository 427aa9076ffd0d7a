"""What ``import vqfw`` offers: every verb of the command line, as functions and objects.

    experiment = vqfw.load("experiments/experiment.json")
    run = experiment.set("model.quantizer.decay", 0.995).run()
    run.evaluate().values["psnr"]

Nothing here imports Keras before a model is needed.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from vqfw import experiment as experiments
from vqfw.errors import (
    DataError,
    ExperimentError,
    Interrupted,
    RunError,
    UsageError,
    VqfwError,
)
from vqfw.runs import Run as RunFolder
from vqfw.runs import create_run, default_root, find_run
from vqfw.runs import list_runs as list_folders
from vqfw.runs.exactness import promise
from vqfw.runs.files import write_json, write_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vqfw.data.arrays import Images, Splits
    from vqfw.diagnosis import Diagnosis
    from vqfw.evaluation.comparison import Comparison
    from vqfw.evaluation.reconstruct import Inference
    from vqfw.evaluation.score import Evaluation
    from vqfw.evaluation.tokens import TokenFile
    from vqfw.experiment.components import Described
    from vqfw.kinds.hooks import Section
    from vqfw.kinds.model import Model
    from vqfw.plan import Plan
    from vqfw.registry import Entry
    from vqfw.registry.hook_reference import Described as Hook
    from vqfw.study.grid import Point
    from vqfw.study.grid import Study as Grid
    from vqfw.study.running import Call
    from vqfw.study.standing import Standing
    from vqfw.study.table import Table
    from vqfw.training.loop import Trained

Say = Callable[[str], None]
"""Takes a sentence for a person; the command line prints it to stderr."""


def load(
    path: str | Path,
    overrides: Sequence[str] = (),
    plugins: Sequence[str | Path] = (),
) -> Experiment:
    """Reads and checks an experiment file.

    Args:
        path: of the file.
        overrides: ``a.b=value``, as ``--set`` takes them.
        plugins: Python files with further components; see ``use_plugin``.

    Raises:
        ExperimentError: with everything that is wrong, at once.
        PluginError: if a plugin cannot be run, or a component cannot be used.
    """
    for plugin in plugins:
        use_plugin(plugin)
    return Experiment(experiments.load_experiment(path, overrides))


def load_study(
    path: str | Path,
    overrides: Sequence[str] = (),
    plugins: Sequence[str | Path] = (),
) -> Study:
    """Reads a study file and checks every run of it.

    Args:
        path: of the file.
        overrides: ``a.b=value`` for every run, as ``--set`` takes them.
        plugins: Python files with further components; see ``use_plugin``.

    Raises:
        ExperimentError: with everything that is wrong, at once.
        PluginError: if a plugin cannot be run, or a component cannot be used.
    """
    from vqfw.study.loading import load_study as load_grid

    for plugin in plugins:
        use_plugin(plugin)
    return Study(load_grid(path, overrides), tuple(map(str, plugins)))


def use_plugin(path: str | Path) -> tuple[Entry, ...]:
    """Runs a Python file and makes its components known to this process, by name.

    Runs record the file with its checksum; to resume or score one, the same file must
    still be there.

    Args:
        path: of the file.

    Returns:
        What it defines.

    Raises:
        UsageError: if there is no such file.
        PluginError: if it cannot be run, or defines no component.
    """
    from vqfw.registry import load_file

    return load_file(path)


def open_run(wanted: str = "latest", root: Path | None = None) -> Run:
    """Finds a run by id, unique prefix, ``latest`` or ``best:METRIC``.

    Raises:
        RunError: if there is none, with the ids that there are.
    """
    return Run(find_run(root or default_root(), wanted))


def list_runs(root: Path | None = None) -> list[Run]:
    """All runs, oldest first."""
    return [Run(folder) for folder in list_folders(root or default_root())]


def compare(runs: Sequence[str | Run], root: Path | None = None) -> Comparison:
    """Puts runs side by side: what differs between them, and what each has reached.

    Args:
        runs: two or more, as ``open_run`` finds or returns them; the first is what the
            others are measured against.
        root: the folder with ``checkpoints/``.

    Raises:
        RunError: if there are fewer than two, or one cannot be found.
    """
    from vqfw.evaluation.comparison import compare as compare_folders

    found = [each if isinstance(each, Run) else open_run(each, root) for each in runs]
    return compare_folders([each.folder for each in found])


def components(kind: str | None = None) -> tuple[Entry, ...]:
    """Every installed component, or those of one kind; nothing is imported.

    Raises:
        UsageError: if there is no such kind.
    """
    from vqfw.kinds.catalog import KINDS
    from vqfw.registry import index

    if kind is not None and kind not in KINDS:
        fact = f'there is no kind of component called "{kind}"'
        known = f"write one of {', '.join(KINDS)}"
        raise UsageError(f"{fact}: {known}")
    return tuple(each for each in index().entries if kind in (None, each.kind))


def survey(kind: str | None = None, check: bool = False) -> list[Described]:
    """Every installed component with its state, first sentence and options.

    Args:
        kind: only components of this kind.
        check: whether to import each one and report what cannot be; otherwise nothing
            is imported, and what nobody has asked yet is not known.

    Raises:
        UsageError: if there is no such kind.
    """
    from vqfw.experiment import components as found

    return list((found.examined if check else found.listed)(components(kind)))


def describe(name: str) -> Described:
    """All about one component: options, ranges, meaning, owner, a block to paste.

    Args:
        name: ``kind/name``, or the name alone where only one kind has it.

    Raises:
        UsageError: if the name does not say which component is meant.
        PluginError: if there is no such component, or it cannot be read.
    """
    from vqfw.experiment import components as found

    return found.described(found.named(name))


def doctor() -> dict[str, Any]:
    """What this machine offers to a run, and what is broken.

    Returns:
        Versions, ``backend``, ``devices``, ``precision`` (what ``auto`` means here),
        ``threads``, the folders ``root`` and ``cache``, how many ``components`` there
        are, and for each ``broken`` one the reason.
    """
    import keras

    from vqfw.assembly.backend import devices
    from vqfw.plan import settled_precision, settled_threads
    from vqfw.registry.fragments import cache_folder
    from vqfw.runs.environment import describe_environment

    found = survey(check=True)
    owners = sorted({entry.distribution for entry in components() if not entry.file})
    environment = describe_environment(keras.backend.backend(), owners)
    names = ("versions", "python", "platform", "processor", "backend")
    return {
        **{name: environment[name] for name in names},
        "devices": devices(),
        "precision": settled_precision("auto"),
        "threads": settled_threads(None),
        "root": str(default_root().resolve()),
        "cache": str(cache_folder()),
        "components": len(found),
        "broken": [each.reason for each in found if each.state == "broken"],
    }


def hooks() -> tuple[Hook, ...]:
    """Every hook with its exact arguments and meaning."""
    from vqfw.registry.hook_reference import described

    return described()


def observers() -> tuple[Entry, ...]:
    """The observers that packages have installed; nothing is imported."""
    from vqfw.registry.hooks import observer_entries

    return observer_entries()


def new_plugin(kind: str, name: str, folder: Path | None = None) -> Path:
    """Writes a package with one component that can be installed and passes its test.

    Args:
        kind: of the component, or ``image_augmentation``.
        name: what experiments will call it.
        folder: to write; None for ``vqfw-<name>`` in the working folder.

    Returns:
        The folder.

    Raises:
        UsageError: if the kind has no template, the name is taken, or the folder is not
            empty.
    """
    from vqfw.registry.template import new_package

    return new_package(kind, name, folder)


def schema_text(say: Say = lambda text: None) -> str:
    """The JSON Schema of experiment files, with the installed plugins in it.

    Args:
        say: told of each plugin that is left out because it cannot be described.
    """
    from vqfw.experiment import schema

    found, failed = schema.schema_for(None)
    for reason in dict.fromkeys(failed.values()):
        say(f"left out: {reason}")
    return schema.as_text(found)


def write_schema(folder: Path = Path(), say: Say = lambda text: None) -> Path:
    """Writes the schema where experiment files beside it look for it.

    Args:
        folder: gets ``schemas/experiment.schema.json``.
        say: told of each plugin that is left out.

    Raises:
        UsageError: if that is the schema that vqfw itself ships.
    """
    from vqfw.experiment.schema import packaged_path

    target = folder / "schemas" / "experiment.schema.json"
    if target.resolve() == packaged_path().resolve():
        fact = f"{target} is the schema that vqfw ships, without your plugins"
        repair = "run this in the folder of your experiments"
        raise UsageError(f"{fact}: {repair}")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, schema_text(say).encode())
    return target


def init(folder: Path = Path()) -> tuple[Path, Path]:
    """Writes an experiment to begin with, commented, and its schema.

    Args:
        folder: gets ``experiments/experiment.json`` and the schema.

    Raises:
        UsageError: if either is there already; nothing is overwritten.
    """
    from vqfw.experiment.starter import STARTER

    target = folder / "experiments" / "experiment.json"
    for path in (target, folder / "schemas" / "experiment.schema.json"):
        if path.exists():
            fact = f"{path} is there already, and nothing is overwritten"
            repair = "run this in another folder"
            raise UsageError(f"{fact}: {repair}")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, STARTER.encode())
    return target, write_schema(folder)


@dataclass(frozen=True)
class Experiment:
    """A checked experiment, ready to be planned or run.

    Args:
        checked: as the loader made it.
    """

    checked: experiments.Experiment

    def set(self, path: str, value: Any) -> Experiment:
        """The experiment with one value changed, checked again.

        Args:
            path: such as ``model.quantizer.decay``.
            value: anything JSON has.
        """
        return Experiment(self.checked.set(path, value))

    def plan(self, find_data: bool = True) -> Plan:
        """Settles and checks everything that does not need the data.

        Args:
            find_data: whether the dataset's path must lead somewhere.

        Raises:
            ExperimentError: with all problems that the components report.
            DataError: if the dataset's path leads nowhere.
        """
        path = _dataset_path(self.checked) if find_data else None
        return _plan(self.checked, path)

    def run(
        self,
        name: str | None = None,
        root: Path | None = None,
        quiet: bool = True,
        say: Say = lambda text: None,
    ) -> Run:
        """Trains, evaluates and records a new run.

        Args:
            name: its id; None makes one from the time.
            root: the folder with ``checkpoints/`` and ``images_saved/``.
            quiet: whether to show no progress.
            say: told what a person should know.

        Raises:
            VqfwError: see ``vqfw.errors``; a run that trained at all can be resumed.
        """
        root = root or default_root()
        plan = self.plan()
        if plan.warnings:
            say(experiments.render(plan.warnings))
        splits = _splits(plan, quiet, say)
        folder = create_run(root, self.checked.name, name)
        run = Run(folder)
        try:
            _record(folder, plan, splits)
            with folder.locked():
                run._train(plan, splits, quiet, say)
        except BaseException:
            # Nothing to go on with; and the name stays free for the next try.
            if folder.is_untrained:
                folder.discard()
            raise
        return run

    def _repr_html_(self) -> str:
        return self.checked._repr_html_()


@dataclass
class Run:
    """A run on disk: resumed, scored, and used to turn images into tokens and back.

    Args:
        folder: where it is.
        trained: how the training of this process went; None for a run that was opened.
    """

    folder: RunFolder
    trained: Trained | None = None

    @property
    def id(self) -> str:
        """The name of its folders."""
        return self.folder.id

    @property
    def threads(self) -> int:
        """Processor threads that it runs on, as recorded."""
        return int(self.folder.environment["threads"])

    @property
    def scores(self) -> Mapping[str, Any]:
        """Recorded scores, by split and metric."""
        return self.folder.scores

    def resume(self, quiet: bool = True, say: Say = lambda text: None) -> Run:
        """Goes on from the newest whole checkpoint, to the last step and its scores.

        Raises:
            RunError: if another process is writing the run.
        """
        with self.folder.locked():
            plan = self._plan(find_data=True)
            say(promise(self.folder.environment, _environment(plan)))
            self._train(plan, _splits(plan, quiet, say), quiet, say)
        return self

    def evaluate(
        self,
        split: Literal["validation", "test"] = "test",
        data: str | Path | None = None,
        quiet: bool = True,
        say: Say = lambda text: None,
    ) -> Evaluation:
        """Scores the run and records the scores.

        Args:
            split: of its own data.
            data: a folder or archive of other pictures, scored in place of a split.
            quiet: whether to show no progress.
            say: told what a person should know.

        Raises:
            DataError: if there are no images to score.
            CheckpointError: if there is no valid checkpoint.
            RunError: if another process is writing the run.
        """
        with self.folder.locked():
            return self._evaluate(split, data, quiet, say)

    def _evaluate(
        self, split: str, data: str | Path | None, quiet: bool, say: Say
    ) -> Evaluation:
        plan = self._plan(find_data=data is None)
        inference = self._inference(plan, say)
        if data is not None:
            images = _pictures(plan, data, quiet)
            name, shown = "data", self.folder.pictures / "data"
        else:
            splits = _splits(plan, quiet, say)
            images = splits.test if split == "test" else splits.validation
            name, shown = split, self.folder.pictures
            if split == "validation" and "test" in self.scores:
                shown /= split  # the pictures of the test stay
        if not len(images):
            raise DataError(
                f'the {name} split has no images: give "data.{name}" a share above 0, '
                "or score other pictures with --data"
            )
        found = _evaluate(plan, inference, images)
        if found.tokens is not None:
            fresh = _token_file(plan, inference.model, images, found.tokens)
            stored = self._stored_tokens(name, like=fresh)
            say(_agreement(inference, images, stored or fresh))
        self._keep(plan, inference, images, found, name, shown)
        return found

    def diagnose(self) -> Diagnosis:
        """Says why the codebook collapsed, and what to change; or that nothing is wrong.

        It reads what the run recorded, and builds no model.

        Raises:
            RunError: if no step was recorded, or the model has no tokens.
        """
        from vqfw.diagnosis import diagnose

        return diagnose(self.folder)

    def tokenize(self, data: str | Path, output: str | Path, quiet: bool = True) -> int:
        """Writes pictures as tokens.

        Args:
            data: a folder or archive of pictures.
            output: the file to write, as ``.npz`` whatever its name.
            quiet: whether to show no progress.

        Returns:
            How many pictures.

        Raises:
            RunError: if the model of the run has no tokens.
            DataError: if there are no pictures, or the file cannot be written.
        """
        import numpy as np

        plan = self._plan()
        inference = self._inference(plan)
        self._require_tokens(inference.model)
        images = _pictures(plan, data, quiet)
        batches = inference.reconstruct(images.pixels)
        tokens = [batch.tokens for batch in batches if batch.tokens is not None]
        file = _token_file(plan, inference.model, images, np.concatenate(tokens))
        try:
            Path(output).parent.mkdir(parents=True, exist_ok=True)
            file.save(Path(output))
        except OSError as error:
            raise DataError(
                f"{output} cannot be written ({error.strerror}): choose another file "
                "with -o"
            ) from error
        return len(images)

    def reconstruct(self, tokens: str | Path, output: str | Path) -> int:
        """Turns a token file back into pictures, a PNG each, under their names.

        The suffix of a name gives way to ``.png``; where two names differ in nothing
        else, all of them keep theirs before it.

        Args:
            tokens: an ``.npz`` that ``tokenize`` wrote.
            output: the folder to write.

        Returns:
            How many pictures.

        Raises:
            DataError: if the tokens belong to another codebook or a name leads out of
                the folder; nothing is written then.
        """
        from vqfw.assembly.assemble import codebook_fingerprint
        from vqfw.evaluation.pictures import save_picture, to_pixels
        from vqfw.evaluation.tokens import TokenFile

        file = TokenFile.load(Path(tokens))
        plan = self._plan()
        inference = self._inference(plan)
        self._require_tokens(inference.model)
        fingerprint = codebook_fingerprint(inference.model)
        shape = _token_shape(plan, inference.model)
        file.require(fingerprint, inference.model.vocabulary, shape, self.id)
        targets = _targets(Path(output), file.names)
        for rows, images in inference.decode(file.tokens):
            for target, image in zip(targets[rows], to_pixels(images), strict=True):
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    save_picture(target, image)
                except OSError as error:
                    raise DataError(
                        f"{target} cannot be written ({error.strerror}): choose another "
                        "folder with -o"
                    ) from error
        return len(file.names)

    def sections(self) -> list[Section]:
        """What the observers of installed packages tell of the run."""
        from vqfw.kinds.hooks import Section
        from vqfw.registry.hooks import observers

        found = observers().gather("vqfw_report_sections", Section, run=self.folder)
        return [section for _, section in found]

    def _train(self, plan: Plan, splits: Splits, quiet: bool, say: Say) -> None:
        """Trains to the end, then scores the test images, or those of validation.

        The caller holds the lock of the run.
        """
        from vqfw.assembly.assemble import build_autoencoder
        from vqfw.registry.hooks import observers
        from vqfw.runs.checkpoint import steps
        from vqfw.training.loop import train

        resumed = bool(steps(self.folder.states))
        watching = observers()
        watching.tell("vqfw_run_start", run=self.folder)
        try:
            autoencoder = build_autoencoder(plan)
            self.trained = train(plan, splits, self.folder, autoencoder, quiet)
            autoencoder.use_averages()
            scores = self._score(plan, splits, autoencoder.model, say)
            self._keep_training(self.trained, resumed)
            watching.tell("vqfw_run_end", run=self.folder, scores=scores)
        finally:
            for failure in watching.failures:
                self.folder.note_failure(failure)

    def _keep_training(self, trained: Trained, resumed: bool) -> None:
        """Records how the training went, which also says that all of the run is done."""
        record = {**asdict(trained), "seconds": None if resumed else trained.seconds}
        if self.folder.training.get("steps") == trained.steps:
            return  # it was done before, and no step was added
        try:
            write_json(self.folder.path / "training.json", record)
        except OSError as error:
            raise VqfwError(
                f"{self.folder.path} cannot be written ({error.strerror}): make room, "
                f"then finish with: vqfw run --resume {self.id}"
            ) from error

    def _score(
        self, plan: Plan, splits: Splits, model: Model, say: Say
    ) -> Mapping[str, Any]:
        """Scores the trained model, keeps what was found and returns its record."""
        from vqfw.evaluation.reconstruct import Inference

        name = "test" if len(splits.test) else "validation"
        images = splits.test if len(splits.test) else splits.validation
        if not len(images):
            say("there are no test images, so nothing was scored")
            return {}
        inference = Inference(model, plan.experiment.evaluation.batch_size)
        try:
            found = _evaluate(plan, inference, images)
            self._keep(plan, inference, images, found, name, self.folder.pictures)
        except KeyboardInterrupt:
            raise Interrupted(
                f"the training is done and saved; score it with: vqfw eval --run {self.id}",
                signal.SIGINT,
            ) from None
        return found.record()

    def _keep(
        self,
        plan: Plan,
        inference: Inference,
        images: Images,
        found: Evaluation,
        name: str,
        pictures: Path,
    ) -> None:
        """Records scores and tokens under a name, and saves pairs of pictures."""
        from vqfw.evaluation.pictures import save_pairs, spread

        path = self.folder.path
        shown = spread(images.pixels, plan.experiment.evaluation.pictures)
        try:
            if found.tokens is not None:
                file = _token_file(plan, inference.model, images, found.tokens)
                file.save(path / f"tokens_{name}.npz")
            write_json(path / "scores.json", {**self.scores, name: found.record()})
            pictures.mkdir(parents=True, exist_ok=True)
            save_pairs(pictures, shown, inference.pictures(shown))
        except OSError as error:
            raise VqfwError(
                f"the scores cannot be saved to {path} ({error.strerror}): make room, "
                f"then score again with: vqfw eval --run {self.id}"
            ) from error

    def _stored_tokens(self, name: str, like: TokenFile) -> TokenFile | None:
        """The tokens that an earlier evaluation stored, if they are of these images."""
        from vqfw.evaluation.tokens import TokenFile

        path = self.folder.path / f"tokens_{name}.npz"
        if not path.exists():
            return None
        try:
            stored = TokenFile.load(path)
        except DataError:  # a damaged one is written anew
            return None
        same = stored.fingerprint == like.fingerprint and stored.names == like.names
        return stored if same else None

    def _plan(self, find_data: bool = False) -> Plan:
        """The plan of the recorded experiment, with what was settled then."""
        from vqfw.registry import load_recorded

        environment = self.folder.environment
        for plugin in environment.get("plugin_files", ()):
            load_recorded(plugin)
        checked = experiments.experiment_from(self.folder.resolved)
        path = environment["dataset_path"]
        if find_data and (path is None or not Path(path).exists()):
            path = _dataset_path(checked)
        plan = _plan(checked, path, environment["threads"])
        return replace(plan, precision=environment["precision"])

    def _inference(self, plan: Plan, say: Say = lambda text: None) -> Inference:
        """The model with the weights of the newest whole checkpoint."""
        from vqfw.assembly.assemble import build_autoencoder
        from vqfw.evaluation.reconstruct import Inference
        from vqfw.runs.checkpoint import newest
        from vqfw.training.state import restore

        found = newest(self.folder.states, say)
        if found is None:
            raise RunError(
                f'run "{self.id}" has no checkpoint yet: train it with '
                f"vqfw run --resume {self.id}"
            )
        autoencoder = build_autoencoder(plan)
        restore(autoencoder, found.arrays)
        autoencoder.use_averages()
        return Inference(autoencoder.model, plan.experiment.evaluation.batch_size)

    def _require_tokens(self, model: Model) -> None:
        if not model.vocabulary:
            kind = self.folder.resolved["model"]["type"]
            raise RunError(
                f'run "{self.id}" is a {kind}, which has no tokens: choose a run of a '
                "model with a codebook"
            )

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{score['value']:.4g}</td></tr>"
            for name, score in self.scores.get("test", {}).items()
            if isinstance(score, Mapping) and score["value"] is not None
        )
        return f"<table><caption>run {escape(self.id)}</caption>{rows}</table>"


@dataclass(frozen=True)
class Study:
    """Many runs of one experiment, and the table that they fill.

    Args:
        grid: as the loader made it.
        plugins: Python files that its runs need.
    """

    grid: Grid
    plugins: tuple[str, ...] = ()

    @property
    def threads(self) -> int | None:
        """Processor threads that its runs ask for, if it is the same number in all."""
        asked = {each.experiment.training.threads for each in self.grid.points}
        return asked.pop() if len(asked) == 1 else None

    def run(self, root: Path | None = None, say: Say = lambda text: None) -> Table:
        """Runs what is missing, each run in a process of its own.

        Args:
            root: the folder with ``checkpoints/`` and ``images_saved/``.
            say: told of the progress.

        Returns:
            The table, also of runs that were there before, with what failed.

        Raises:
            ExperimentError: if a component refuses something of any run; nothing is run.
            Interrupted: after a signal; the run that was going on is saved.
        """
        from vqfw.study.running import run_missing

        return run_missing(self.grid, self._call(), root or default_root(), say)

    def table(self, root: Path | None = None) -> Table:
        """The table of what is finished; runs nothing."""
        from vqfw.study.running import present_table

        return present_table(self.grid, self._call(), root or default_root())

    def standings(
        self, root: Path | None = None
    ) -> list[tuple[Standing, float | None]]:
        """Every run with what there is of it, and the seconds that it will take."""
        from vqfw.study.standing import standings
        from vqfw.study.timing import expected_seconds

        found = standings(self.grid, root or default_root())
        done = [each for each in found if each.state == "finished"]
        return [(each, expected_seconds(each, done)) for each in found]

    def check(self) -> None:
        """Plans every run, so that its components are asked too; runs nothing.

        Raises:
            ExperimentError: with all problems that the components report.
            DataError: if the path of a dataset leads nowhere.
        """
        from vqfw.plan import settled_threads

        threads = settled_threads(self.threads)
        problems: dict[str, Any] = {}
        for point in self.grid.points:
            try:
                _plan(point.experiment, _dataset_path(point.experiment), threads)
            except ExperimentError as error:
                for each in error.problems:
                    note = "; ".join(filter(None, (each.note, f"in the run {point}")))
                    key = f"{each.message} {each.place}"
                    problems.setdefault(key, replace(each, note=note))
        if problems:
            raise ExperimentError(list(problems.values()))

    def point(self, wanted: str) -> Point:
        """One of its runs.

        Raises:
            UsageError: if it has none of this id.
        """
        for point in self.grid.points:
            if point.id == wanted:
                return point
        fact = f'study "{self.grid.name}" has no run "{wanted}" in {self.grid.file}'
        raise UsageError(f"{fact}: see vqfw study {self.grid.file} --dry-run --json")

    def is_finished(self, point: Point, root: Path | None = None) -> bool:
        """Whether one of its runs is there already."""
        return self._standing(point, root).state == "finished"

    def train(
        self,
        point: Point,
        root: Path | None = None,
        quiet: bool = True,
        say: Say = lambda text: None,
    ) -> Run:
        """Trains one run of the study in this process, or finishes it, if need be.

        Args:
            point: which.
            root: the folder with ``checkpoints/`` and ``images_saved/``.
            quiet: whether to show no progress.
            say: told what a person should know.
        """
        from vqfw.study.standing import alone, clear_leftovers

        root = root or default_root()
        with alone(point, root, say):
            standing = self._standing(point, root)
            if standing.run is None:
                clear_leftovers(point, root)
                experiment = Experiment(point.experiment)
                return experiment.run(point.id, root, quiet, say)
            run = Run(standing.run)
            if standing.state == "finished":
                say(f"finished already: {run.id}")
                return run
            say(f"goes on with run {run.id}")
            return run.resume(quiet, say)

    def _standing(self, point: Point, root: Path | None) -> Standing:
        from vqfw.study.standing import standings

        found = standings(self.grid, root or default_root())
        return next(each for each in found if each.point.id == point.id)

    def _call(self) -> Call:
        from vqfw.study.running import Call

        return Call(self.grid.file, self.grid.overrides, self.plugins)

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def _plan(
    checked: experiments.Experiment,
    dataset_path: str | None,
    threads: int | None = None,
) -> Plan:
    """Makes a plan, after the threads were pinned that it is going to say."""
    from vqfw.assembly.backend import pin_threads
    from vqfw.plan import make_plan, settled_threads

    pin_threads(threads or settled_threads(checked.training.threads))
    plan = make_plan(checked, dataset_path)
    return plan if threads is None else replace(plan, threads=threads)


def _dataset_path(checked: experiments.Experiment) -> str | None:
    """Where the dataset lies, if it has a path; None for one that needs none."""
    from vqfw.data.locate import locate
    from vqfw.registry import load as load_component

    options = checked.data.dataset
    if "path" not in options:
        return None
    component = load_component("dataset", options["type"])
    origin = checked.origins["data.dataset.path"]
    found = locate(
        options["path"],
        usual_names=getattr(component, "usual_names", ()),
        experiment_folder=origin.folder or checked.folder,
        anywhere=origin.overridden,
    )
    return str(found)


def _splits(plan: Plan, quiet: bool, say: Say) -> Splits:
    from vqfw.data.arrays import prepare
    from vqfw.registry.fragments import cache_folder

    data = plan.experiment.data
    with _reading(quiet) as progress:
        splits = prepare(
            plan.dataset,
            crop=data.crop,
            image_size=data.image_size,
            validation_share=data.validation,
            test_share=data.test,
            split_seed=data.split_seed,
            cache=cache_folder(),
            on_bad_image=data.on_bad_image,
            progress=progress,
        )
    for note in (*splits.notes, *_empty_splits(plan, splits)):
        say(note)
    return splits


def _empty_splits(plan: Plan, splits: Splits) -> Iterator[str]:
    """Says, before training, which splits will have nothing to show."""
    groups = len(set(splits.train.groups))
    for name, images in (("validation", splits.validation), ("test", splits.test)):
        # With more groups it is the dataset's own list that leaves the split empty.
        if not len(images) and groups < 3 and getattr(plan.experiment.data, name) > 0:
            yield (
                f"there are no {name} images: the {len(splits.train):,} training images "
                f"belong to {groups:,} group{'s' if groups > 1 else ''}, and a group is "
                "never divided"
            )


def _pictures(plan: Plan, data: str | Path, quiet: bool) -> Images:
    """A person's own pictures, cropped and sized as the run's were."""
    from vqfw.data.arrays import read_pictures
    from vqfw.data.locate import locate
    from vqfw.kinds.catalog import KINDS
    from vqfw.registry import build

    shorthand = KINDS["dataset"].shorthand
    assert shorthand is not None
    path = locate(str(data), usual_names=(), experiment_folder=None, anywhere=True)
    options = {"type": shorthand.component, shorthand.option: str(path)}
    with _reading(quiet) as progress:
        return read_pictures(
            build("dataset", options, {}),
            crop=plan.experiment.data.crop,
            image_size=plan.experiment.data.image_size,
            channels=plan.dataset.channels,
            progress=progress,
        )


def _evaluate(plan: Plan, inference: Inference, images: Images) -> Evaluation:
    from vqfw.assembly.assemble import build_metrics
    from vqfw.evaluation.score import evaluate

    return evaluate(inference, images, build_metrics(plan))


def _agreement(inference: Inference, images: Images, file: TokenFile) -> str:
    """Decodes tokens alone and says whether that gives the same pictures."""
    from vqfw.evaluation.score import token_difference

    apart = token_difference(inference, images, file.tokens)
    verdict = (
        "equal in every bit to the model's own reconstruction"
        if apart == 0.0
        else f"at most {apart:.2g} (of 1) from the model's own reconstruction"
    )
    return f"{len(images)} images decoded from their tokens alone: {verdict}"


def _token_file(
    plan: Plan, model: Model, images: Images, tokens: NDArray[np.int32]
) -> TokenFile:
    from vqfw.assembly.assemble import codebook_fingerprint
    from vqfw.evaluation.tokens import TokenFile

    return TokenFile(
        tokens=tokens,
        names=images.ids,
        image_shape=plan.image_shape,
        vocabulary=model.vocabulary,
        fingerprint=codebook_fingerprint(model),
    )


def _environment(plan: Plan) -> dict[str, Any]:
    """What this process runs on."""
    import keras

    from vqfw.assembly.backend import devices
    from vqfw.registry import plugin_files
    from vqfw.runs.environment import describe_environment

    return {
        **describe_environment(keras.backend.backend(), plan.distributions),
        "devices": devices(),
        "seed": plan.experiment.seed,
        "threads": plan.threads,
        "precision": plan.precision,
        "dataset_path": plan.dataset_path,
        "plugin_files": [file.record() for file in plugin_files()],
    }


def _record(folder: RunFolder, plan: Plan, splits: Splits) -> None:
    """Writes what the run was given and what it runs on; ``resolved.json`` comes last.

    Raises:
        RunError: if the disk is full or not writable.
    """
    checked, environment = plan.experiment, _environment(plan)
    environment["warnings"] = experiments.as_data(plan.warnings)
    environment["data_fingerprint"] = splits.fingerprint
    origins = {path: origin.source for path, origin in checked.origins.items()}
    try:
        write_whole(folder.path / "experiment.json", checked.text.encode())
        write_json(folder.path / "origins.json", origins)
        write_json(folder.path / "environment.json", environment)
        write_whole(folder.path / "resolved.json", checked.resolved_json().encode())
    except OSError as error:
        raise RunError(
            f"{folder.path} cannot be written ({error.strerror}): make room, or set "
            "VQFW_ROOT to a folder that can be written"
        ) from error


def _reading(quiet: bool) -> Any:
    """Shows how many pictures were read, once that takes long enough to wonder."""
    from vqfw.data.progress import reading

    return reading(quiet)


def _token_shape(plan: Plan, model: Model) -> tuple[int, ...]:
    """(*positions, num_codebooks) of the tokens of one image."""
    import keras

    images = keras.KerasTensor((1, *plan.image_shape), "float32")
    return tuple(model.compute_output_spec(images).tokens.shape[1:])


def _targets(folder: Path, names: Sequence[str]) -> list[Path]:
    """Where the picture of each name goes; no two share a file.

    Raises:
        DataError: if a name leads out of the folder.
    """
    bare = [
        str(PurePosixPath(name).with_suffix("")) for name in names if name.strip("./")
    ]
    unique = len(set(map(str.casefold, bare))) == len(names)
    return [_inside(folder, f"{name}.png") for name in (bare if unique else names)]


def _inside(folder: Path, name: str) -> Path:
    """The path of a picture below a folder.

    Raises:
        DataError: if its name leads out of it, or cannot be one.
    """
    target = folder / name
    try:
        inside = target.resolve().is_relative_to(folder.resolve())
    except ValueError:  # a NUL, or half a character
        inside = False
    if not inside:
        raise DataError(
            f"the picture {name!r} would be written outside {folder}: the token file is "
            "damaged or was made to do harm"
        )
    return target
