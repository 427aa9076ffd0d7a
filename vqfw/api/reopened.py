"""A recorded run at work again: its experiment, its data, its plan and its weights."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vqfw import experiment as experiments
from vqfw.api.given import with_array
from vqfw.api.planning import dataset_path, plan_of
from vqfw.api.talk import Say
from vqfw.errors import DataError, RunError, UnwritableError, UsageError
from vqfw.runs import RunFolder
from vqfw.runs.origin import is_made_here

if TYPE_CHECKING:
    from vqfw.assembly.autoencoder import Autoencoder
    from vqfw.data.arrays import Splits
    from vqfw.data.given import GivenImages
    from vqfw.evaluation.inference import Inference
    from vqfw.kinds.model import Model
    from vqfw.plan import Plan


@dataclass(frozen=True)
class Reopened:
    """A recorded run with the plugins and images needed to resume, score or use it.

    In all methods ``arguments`` are those of the shell command for the Python call.

    Args:
        folder: of the run.
        plugins: files that may be run for it, if it was made with them.
        given: the images of a run that was trained on an array, if the caller has them.
    """

    folder: RunFolder
    plugins: tuple[str | Path, ...] = ()
    given: GivenImages | None = None

    def command(self, *arguments: str, data_path: str | Path | None = None) -> str:
        """The shell command that does the same as this Python call."""
        options = [] if data_path is None else ["--data-path", str(data_path)]
        for each in self.plugins:
            options += ["--plugin", str(each)]
        return shlex.join(["vqfw", *arguments, *options])

    def plan(self, *arguments: str) -> Plan:
        """The plan of the recorded experiment, with what its training settled.

        Raises:
            PluginError: if it needs plugin files that are not trusted here.
            DataError: if the run was made elsewhere and reads other files than its data.
        """
        return self._settled(self._checked(self.command(*arguments)))

    def plan_with_data(
        self, *arguments: str, data_path: str | Path | None = None
    ) -> Plan:
        """The plan with the place of the data: ``data_path``, else as recorded.

        Raises:
            UsageError: if the dataset has no path and one is named, or an array is given
                to a run that was not trained on one.
            DataError: if there is nothing, or it must be named.
        """
        from vqfw.data.given import ARRAYS

        again = self.command(*arguments)
        checked = self._checked(self.command(*arguments, data_path=data_path))
        path = _dataset_path(self.folder, checked, data_path, again)
        dataset = checked.data.dataset["type"]
        if self.given is not None and dataset != ARRAYS:
            raise UsageError(
                f'run "{self.folder.id}" was trained on dataset "{dataset}", not on an '
                "array: leave images out"
            )
        return with_array(self._settled(checked, path), self.given)

    def require_same(self, splits: Splits, plan: Plan, *arguments: str) -> None:
        """Raises a ``RunError`` if the images are not those of the training."""
        recorded = self.folder.environment.get("data_fingerprint")
        if recorded in (None, splits.fingerprint):
            return
        fact = f'run "{self.folder.id}" was trained on other images than'
        others = f"score others with: vqfw eval --run {self.folder.quoted} --data PATH"
        if self.given is not None:
            pixels = self.folder.environment.get("pixels_sha256")
            if pixels == splits.pixels_sha256:
                fact = fact.replace("on other images", "with other groups")
            raise RunError(
                f"{fact} the {len(self.given.pixels):,} given: give images and groups of "
                f"its training, or {others}"
            )
        if plan.dataset_path is None:
            raise RunError(f"{fact} its dataset gives now: {others}")
        raise RunError(
            f"{fact} those in {plan.dataset_path}: name the place of the same ones: "
            f"{self.command(*arguments)} --data-path PATH; or {others}"
        )

    def inference(
        self, plan: Plan, say: Say = lambda text: None, averaged: bool = True
    ) -> Inference:
        """The model of ``autoencoder``, compiled for evaluation."""
        from vqfw.evaluation.inference import Inference

        model = self.autoencoder(plan, say, averaged).model
        return Inference(model, plan.experiment.evaluation.batch_size)

    def autoencoder(
        self, plan: Plan, say: Say = lambda text: None, averaged: bool = True
    ) -> Autoencoder:
        """The model as it was trained, with the weights of the newest valid checkpoint.

        Args:
            plan: of the run.
            say: takes a sentence for each checkpoint that is skipped.
            averaged: whether to use the averaged weights, where there are any.

        Raises:
            RunError: if there is no checkpoint.
            CheckpointError: if there is no valid one.
        """
        from vqfw.assembly.assemble import build_autoencoder
        from vqfw.runs.checkpoint import newest
        from vqfw.training.state import restore

        checkpoint = newest(self.folder.states, say)
        if checkpoint is None:
            raise RunError(
                f'run "{self.folder.id}" has no checkpoint yet: train it with '
                f"vqfw run --resume {self.folder.quoted}"
            )
        autoencoder = build_autoencoder(plan)
        restore(autoencoder, checkpoint.arrays)
        if averaged:
            autoencoder.use_averages()
        return autoencoder

    def require_tokens(self, model: Model) -> None:
        """Raises a ``RunError`` if the model has no tokens."""
        if not model.vocabulary:
            kind = self.folder.resolved["model"]["type"]
            raise RunError(
                f'run "{self.folder.id}" is a {kind}, which has no tokens: choose a run '
                "of a model with a codebook"
            )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Locks the run; see ``RunFolder.locked`` for what it raises."""
        pictures = self.folder.pictures.parent
        if pictures.is_symlink() and not is_made_here(self.folder):
            raise UnwritableError(
                f'run "{self.folder.id}" was not made by you on this machine, and '
                f"{pictures}, where its pictures go, is a link: put a folder in its place"
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
        _require_named_paths(self.folder, checked)
        return checked

    def _settled(
        self, checked: experiments.CheckedExperiment, path: str | None = None
    ) -> Plan:
        environment = self.folder.environment
        path = path or environment.get("dataset_path")
        plan = plan_of(checked, path, environment["threads"])
        split_by = environment.get("split_by", plan.split_by)
        return replace(plan, precision=environment["precision"], split_by=split_by)


def _require_named_paths(
    folder: RunFolder, checked: experiments.CheckedExperiment
) -> None:
    """Raises a ``DataError`` if a run made elsewhere reads files other than its dataset."""
    from vqfw.plan import data_paths

    paths = dict(data_paths(checked))
    paths.pop("data.dataset.path", None)
    if paths and not is_made_here(folder):
        option, path = next(iter(paths.items()))
        file = shlex.quote(str(folder.path / "resolved.json"))
        raise DataError(
            f'run "{folder.id}" was not made by you on this machine, and its "{option}" '
            f"reads {path}: if it may, train it yourself: vqfw run {file}"
        )


def _dataset_path(
    folder: RunFolder,
    checked: experiments.CheckedExperiment,
    named: str | Path | None,
    again: str,
) -> str | None:
    """Where the data lies; the recorded path of a run made elsewhere is not followed."""
    from vqfw.data.location import locate

    options = checked.data.dataset
    if "path" not in options:
        if named is not None:
            raise UsageError(
                f'dataset "{options["type"]}" of run "{folder.id}" has no path: leave '
                "--data-path out"
            )
        return None
    if named is not None:
        return str(locate(str(named), repair="correct --data-path"))
    recorded = folder.environment.get("dataset_path")
    asked = f"{again} --data-path {shlex.quote(recorded or options['path'] or 'PATH')}"
    is_own = is_made_here(folder)
    unnamed = DataError(
        f'run "{folder.id}" was not made by you on this machine, so its data is read '
        f"only if you name it: {asked}"
    )
    if not is_own and options["path"]:
        raise unnamed
    if is_own and recorded is not None and Path(recorded).exists():
        return str(recorded)
    try:
        return dataset_path(checked)
    except DataError as error:
        if not is_own:
            raise unnamed from error
        raise DataError(
            f'the data of run "{folder.id}" is not at {recorded} any more: name its new '
            f"place: {again} --data-path PATH"
        ) from error
