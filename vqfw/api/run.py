"""Runs: found, resumed, scored, compared, and used to turn images into tokens and back."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vqfw import experiment as experiments
from vqfw.api.preparation import (
    BadImage,
    Crop,
    dataset_path_of_run,
    pictures_of,
    plan_of,
    require_named_paths,
    splits_of,
    splits_to_train_on,
)
from vqfw.api.records import environment_of
from vqfw.api.scoring import earlier_scores, keep, score, stored_tokens
from vqfw.api.talk import Say, speaker
from vqfw.api.token_files import agreement, targets_of, token_file, token_shape
from vqfw.api.training import train_and_score
from vqfw.api.turn import one_at_a_time
from vqfw.errors import DataError, RunError, UnwritableError, UsageError
from vqfw.runs import RunFolder, default_root, find_run, list_folders
from vqfw.runs.exactness import promise
from vqfw.runs.origin import is_made_here

if TYPE_CHECKING:
    from vqfw.data.arrays import Splits
    from vqfw.diagnosis import Diagnosis
    from vqfw.evaluation.reconstruct import Inference
    from vqfw.evaluation.score import Evaluation
    from vqfw.kinds.hooks import Section
    from vqfw.kinds.model import Model
    from vqfw.plan import Plan
    from vqfw.results.comparison import Comparison
    from vqfw.training.loop import Trained


def open_run(
    wanted: str = "latest",
    root: str | Path | None = None,
    plugins: Sequence[str | Path] = (),
) -> Run:
    """Finds a run by id, unique prefix, ``latest`` or ``best:METRIC``; runs no code of it.

    Args:
        wanted: which.
        root: the folder with ``checkpoints/``.
        plugins: the Python files that the run was made with, wherever they lie now. They
            need not be named if this person has run them before on this machine.

    Raises:
        RunError: if there is none, with the ids that there are.
    """
    return Run(find_run(root_of(root), wanted), plugins=tuple(plugins))


def list_runs(root: str | Path | None = None) -> list[Run]:
    """All runs, oldest first."""
    return [Run(folder) for folder in list_folders(root_of(root))]


def compare(runs: Sequence[str | Run], root: str | Path | None = None) -> Comparison:
    """Puts runs side by side: what differs between them, and what each has reached.

    Args:
        runs: two or more, as ``open_run`` finds or returns them; the first is what the
            others are measured against.
        root: the folder with ``checkpoints/``.

    Raises:
        RunError: if there are fewer than two, or one cannot be found.
    """
    from vqfw.results.comparison import compare_folders

    found = [each if isinstance(each, Run) else open_run(each, root) for each in runs]
    return compare_folders([each.folder for each in found])


def root_of(root: str | Path | None) -> Path:
    """The folder with ``checkpoints/``: the given one, else the default."""
    return default_root() if root is None else Path(root)


@dataclass
class Run:
    """A run on disk: resumed, scored, and used to turn images into tokens and back.

    Args:
        folder: where it is.
        trained: how the training of this process went; None for a run that was opened.
        plugins: files that may be run for it, if it was made with them.
    """

    folder: RunFolder
    trained: Trained | None = None
    plugins: tuple[str | Path, ...] = ()

    @property
    def id(self) -> str:
        """The name of its folders."""
        return self.folder.id

    @property
    def path(self) -> Path:
        """The folder of its records and weights, ``checkpoints/<run>``."""
        return self.folder.path

    @property
    def threads(self) -> int:
        """Processor threads that it runs on, as recorded."""
        return int(self.folder.environment["threads"])

    @property
    def scores(self) -> Mapping[str, Any]:
        """Recorded scores, by split and metric."""
        return self.folder.scores

    @one_at_a_time(trains=True)
    def resume(
        self,
        quiet: bool = False,
        say: Say | None = None,
        data_path: str | Path | None = None,
    ) -> Run:
        """Goes on from the newest whole checkpoint, to the last step and its scores.

        Args:
            quiet: whether to show no progress.
            say: takes each sentence for a person; None for stderr.
            data_path: where the data of the run lies now. Other pictures are refused.

        Raises:
            RunError: if another process is writing the run, another thread is training,
                or the data is not the same.
            DataError: if the data is not found, or the run was made elsewhere and its
                data has to be named.
            PluginError: if the run needs code that this person has not vouched for.
        """
        say = speaker(quiet, say)
        with self._writing():
            again = self._again("run", "--resume", self.id, data_path=data_path)
            checked = self._checked(again)
            path = dataset_path_of_run(self.folder, checked, data_path, again)
            plan = self._plan(checked, path)
            say(promise(self.folder.environment, environment_of(plan)))
            splits = splits_to_train_on(plan, quiet, say)
            self._require_same(splits, path, self._again("run", "--resume", self.id))
            self.trained = train_and_score(self.folder, plan, splits, quiet, say)
        return self

    @one_at_a_time()
    def evaluate(
        self,
        split: Literal["validation", "test"] = "test",
        data: str | Path | None = None,
        quiet: bool = False,
        say: Say | None = None,
        weights: Literal["averaged", "last"] = "averaged",
        data_path: str | Path | None = None,
        crop: Crop | None = None,
        on_bad_image: BadImage | None = None,
    ) -> Evaluation:
        """Scores the run and records the scores, where the run can be written.

        Args:
            split: of its own data.
            data: a folder or archive of other pictures, scored in place of a split.
            quiet: whether to show no progress.
            say: takes each sentence for a person; None for stderr.
            weights: ``last`` scores those of the last step where the run averages its
                weights, and records it beside the scores of the averages, as
                ``<split>_last_weights``; tokens are kept of the averages alone, which
                are what decodes them.
            data_path: where the run's own data lies now.
            crop: of the pictures in ``data``: side of the centred square in their
                pixels, or ``none`` for the largest; None for the crop of the run.
            on_bad_image: what to do with a picture in ``data`` that cannot be used: stop
                with ``error``, or ``skip`` and name it; None for what the run does.

        Raises:
            DataError: if there are no images to score, the data is not found, or the run
                was made elsewhere and its data has to be named.
            PluginError: if the run needs code that this person has not vouched for.
            CheckpointError: if there is no valid checkpoint.
            UsageError: if the weights are neither.
            RunError: if another process is writing the run, another thread is training,
                the pictures of a split are not those of its training, or it averages no
                weights and the last ones are asked for.
        """
        say = speaker(quiet, say)
        if weights not in ("averaged", "last"):
            raise UsageError(
                f'there are no weights "{weights}": write "averaged" or "last"'
            )
        if data is not None and data_path is not None:
            raise UsageError(
                "other pictures are scored with --data, the run's own with --data-path: "
                "leave one of them out"
            )
        if data is None and (crop, on_bad_image) != (None, None):
            raise UsageError(
                "--crop and --on-bad-image hold for the pictures of --data: leave them "
                "out, the run's own pictures are read as in its training"
            )
        reading = {"crop": crop, "on_bad_image": on_bad_image}
        with ExitStack() as held:
            kept = True
            try:
                held.enter_context(self._writing())
            except UnwritableError as error:
                say(f"the scores are not kept: {error}")
                kept = False
            last = weights == "last"
            return self._evaluate(
                split, data, quiet, say, last, data_path, reading, kept
            )

    def _evaluate(
        self,
        split: str,
        data: str | Path | None,
        quiet: bool,
        say: Say,
        last: bool,
        data_path: str | Path | None,
        reading: Mapping[str, Any],
        kept: bool,
    ) -> Evaluation:
        asked = ["eval", "--run", self.id]
        asked += ["--data", str(data)] if data is not None else []
        asked += ["--split", split] if data is None and split != "test" else []
        asked += ["--weights", "last"] if last else []
        asked += _options(reading)
        again = self._again(*asked)
        checked = self._checked(self._again(*asked, data_path=data_path))
        path = None
        if data is None:
            path = dataset_path_of_run(self.folder, checked, data_path, again)
        plan = self._plan(checked, path)
        if last and plan.experiment.training.weight_averaging is None:
            raise RunError(
                f'run "{self.id}" averages no weights, so it is always scored with its '
                "last ones: leave --weights out"
            )
        inference = self._inference(plan, say, averaged=not last)
        if data is not None:
            images = pictures_of(plan, data, quiet, say, **reading)
            name, shown = "data", self.folder.pictures / "data"
        else:
            splits = splits_of(plan, quiet, say)
            self._require_same(splits, path, again)
            images = splits.test if split == "test" else splits.validation
            name, shown = split, self.folder.pictures
            if split == "validation" and "test" in earlier_scores(self.folder):
                shown /= split  # the pictures of the test stay
        if not len(images):
            others = self._again("eval", "--run", self.id, "--data", "PATH")
            raise DataError(
                f'the {name} split of run "{self.id}" has no images: score others with: '
                f"{others}"
            )
        if last:
            name, shown = f"{name}_last_weights", shown / "last_weights"
        found = score(plan, inference, images)
        if found.tokens is not None:
            fresh = token_file(plan, inference.model, images, found.tokens)
            stored = stored_tokens(self.folder, name, like=fresh)
            say(agreement(inference, images, stored or fresh))
        if kept:
            record = replace(found, tokens=None) if last else found
            keep(self.folder, plan, inference, images, record, name, shown)
        return found

    def diagnose(self) -> Diagnosis:
        """Says why the codebook collapsed, and what to change; or that nothing is wrong.

        It reads what the run recorded, and builds no model.

        Raises:
            RunError: if no step was recorded, or the model has no tokens.
        """
        from vqfw.diagnosis import diagnose

        return diagnose(self.folder)

    @one_at_a_time()
    def tokenize(
        self,
        data: str | Path,
        output: str | Path,
        quiet: bool = False,
        say: Say | None = None,
        crop: Crop | None = None,
        on_bad_image: BadImage | None = None,
    ) -> int:
        """Writes pictures as tokens.

        Args:
            data: a folder or archive of pictures.
            output: the file to write, as ``.npz`` whatever its name; a pipe or a device
                is written into.
            quiet: whether to show no progress.
            say: takes each sentence for a person; None for stderr.
            crop: side of the centred square in pixels of the picture, or ``none`` for
                the largest; None for the crop of the run.
            on_bad_image: what to do with a picture that cannot be used: stop with
                ``error``, or ``skip`` and name it; None for what the run does.

        Returns:
            How many pictures.

        Raises:
            RunError: if the model of the run has no tokens, or another thread is
                training.
            DataError: if there are no pictures.
            UsageError: if the file cannot be written, or is the pictures themselves; it
                is checked before anything else.
        """
        import numpy as np

        from vqfw.runs.outputs import checked_file, write_output

        say = speaker(quiet, say)
        target = checked_file(output)
        if Path(data).is_file() and target.exists() and target.samefile(data):
            raise UsageError(
                f"{output} holds the pictures: choose another file with -o"
            )
        reading = {"crop": crop, "on_bad_image": on_bad_image}
        asked = ["tokenize", str(data), "--run", self.id, "-o", str(output)]
        asked += _options(reading)
        plan = self._plan(self._checked(self._again(*asked)))
        images = pictures_of(plan, data, quiet, say, **reading)  # type: ignore[arg-type]  # a dict has one type of value
        inference = self._inference(plan)
        self._require_tokens(inference.model)
        batches = inference.reconstruct(images.pixels)
        tokens = [batch.tokens for batch in batches if batch.tokens is not None]
        file = token_file(plan, inference.model, images, np.concatenate(tokens))
        write_output(target, file.content())
        return len(images)

    @one_at_a_time()
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
            UsageError: if the folder cannot be written; it is checked before anything
                else.
        """
        from vqfw.assembly.assemble import codebook_fingerprint
        from vqfw.evaluation.pictures import save_picture, to_pixels
        from vqfw.evaluation.tokens import TokenFile
        from vqfw.runs.outputs import checked_folder, refused

        folder = checked_folder(output)
        file = TokenFile.load(Path(tokens))
        asked = ("reconstruct", str(tokens), "--run", self.id, "-o", str(output))
        plan = self._plan(self._checked(self._again(*asked)))
        inference = self._inference(plan)
        self._require_tokens(inference.model)
        fingerprint = codebook_fingerprint(inference.model)
        shape = token_shape(plan, inference.model)
        file.require(fingerprint, inference.model.vocabulary, shape, self.id)
        targets = targets_of(folder, file.names)
        for rows, images in inference.decode(file.tokens):
            for target, image in zip(targets[rows], to_pixels(images), strict=True):
                with refused(target, "choose another folder with -o"):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    save_picture(target, image)
        return len(file.names)

    def sections(self) -> list[Section]:
        """What the observers of installed packages tell of the run."""
        from vqfw.kinds.hooks import Section
        from vqfw.registry.hooks import observers

        found = observers().gather("vqfw_report_sections", Section, run=self.folder)
        return [section for _, section in found]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Keeps other processes from writing, and this one from writing elsewhere."""
        pictures = self.folder.pictures.parent
        if pictures.is_symlink() and not is_made_here(self.folder):
            raise UnwritableError(
                f'run "{self.id}" was not made by you on this machine, and {pictures}, '
                "where its pictures go, is a link: put a folder in its place"
            )
        with self.folder.locked():
            yield

    def _checked(self, again: str) -> experiments.CheckedExperiment:
        """The recorded experiment, with the code that it needs and may have."""
        from vqfw.registry import PluginFile, load_recorded

        self.folder.require_contained()
        recorded = self.folder.environment.get("plugin_files", ())
        files = [PluginFile(each["path"], each["sha256"]) for each in recorded]
        load_recorded(files, self.plugins, again)
        settings = experiments.as_recorded(self.folder.resolved)
        checked = experiments.experiment_from(settings)
        require_named_paths(self.folder, checked)
        return checked

    def _plan(
        self, checked: experiments.CheckedExperiment, dataset_path: str | None = None
    ) -> Plan:
        """The plan of the recorded experiment, with what was settled then."""
        environment = self.folder.environment
        path = dataset_path or environment.get("dataset_path")
        plan = plan_of(checked, path, environment["threads"])
        split_by = environment.get("split_by", plan.split_by)
        return replace(plan, precision=environment["precision"], split_by=split_by)

    def _again(self, *arguments: str, data_path: str | Path | None = None) -> str:
        """The command of a call, as a person types it."""
        options = [] if data_path is None else ["--data-path", str(data_path)]
        for each in self.plugins:
            options += ["--plugin", str(each)]
        return shlex.join(["vqfw", *arguments, *options])

    def _require_same(self, splits: Splits, path: str | None, again: str) -> None:
        """Refuses to score other pictures in the place of those of the training."""
        recorded = self.folder.environment.get("data_fingerprint")
        if recorded in (None, splits.fingerprint):
            return
        fact = f'run "{self.id}" was trained on other images than'
        others = f"score others with: vqfw eval --run {self.folder.quoted} --data PATH"
        if path is None:
            raise RunError(f"{fact} its dataset gives now: {others}")
        raise RunError(
            f"{fact} those in {path}: name the place of the same ones: {again} "
            f"--data-path PATH; or {others}"
        )

    def _inference(
        self, plan: Plan, say: Say = lambda text: None, averaged: bool = True
    ) -> Inference:
        """The model with the weights of the newest whole checkpoint."""
        from vqfw.assembly.assemble import build_autoencoder
        from vqfw.evaluation.reconstruct import Inference
        from vqfw.runs.checkpoint import newest
        from vqfw.training.state import restore

        found = newest(self.folder.states, say)
        if found is None:
            raise RunError(
                f'run "{self.id}" has no checkpoint yet: train it with '
                f"vqfw run --resume {self.folder.quoted}"
            )
        autoencoder = build_autoencoder(plan)
        restore(autoencoder, found.arrays)
        if averaged:
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
            f"<tr><td>{escape(name)}</td><td>{found['value']:.4g}</td></tr>"
            for name, found in self.scores.get("test", {}).items()
            if isinstance(found, Mapping) and found["value"] is not None
        )
        return f"<table><caption>run {escape(self.id)}</caption>{rows}</table>"


def _options(settings: Mapping[str, Any]) -> list[str]:
    """Settings as the command line takes them; what is None is left out."""
    return [
        text
        for name, value in settings.items()
        if value is not None
        for text in (f"--{name.replace('_', '-')}", str(value))
    ]
