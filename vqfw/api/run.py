"""Runs: found, resumed, scored, compared, and used to turn images into tokens and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vqfw.api.pictures import BadImage, Crop
from vqfw.api.preparation import splits_to_train_on
from vqfw.api.records import environment_of
from vqfw.api.reopened import Reopened
from vqfw.api.scoring import score_again
from vqfw.api.talk import Say, speaker
from vqfw.api.token_files import write_pictures, write_tokens
from vqfw.api.training import train_and_score
from vqfw.api.turn import one_at_a_time
from vqfw.runs import RunFolder, default_root, find_run, list_folders
from vqfw.runs.exactness import promise

if TYPE_CHECKING:
    from vqfw.diagnosis import Diagnosis
    from vqfw.evaluation.score import Evaluation
    from vqfw.kinds.hooks import Section
    from vqfw.results.side_by_side import Comparison
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
        say, reopened = speaker(quiet, say), self._reopened
        asked = ("run", "--resume", self.id)
        with reopened.writing():
            plan = reopened.plan_with_data(*asked, data_path=data_path)
            say(promise(self.folder.environment, environment_of(plan)))
            splits = splits_to_train_on(plan, quiet, say)
            reopened.require_same(splits, plan, *asked)
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
        return score_again(
            self._reopened,
            split,
            data,
            quiet,
            speaker(quiet, say),
            weights,
            data_path,
            crop,
            on_bad_image,
        )

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
        say = speaker(quiet, say)
        return write_tokens(
            self._reopened, data, output, quiet, say, crop, on_bad_image
        )

    @one_at_a_time()
    def detokenize(self, tokens: str | Path, output: str | Path) -> int:
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
        return write_pictures(self._reopened, tokens, output)

    def sections(self) -> list[Section]:
        """What the observers of installed packages tell of the run."""
        from vqfw.kinds.hooks import Section
        from vqfw.registry.hooks import observers

        found = observers().gather("vqfw_report_sections", Section, run=self.folder)
        return [section for _, section in found]

    @property
    def _reopened(self) -> Reopened:
        return Reopened(self.folder, self.plugins)

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{found['value']:.4g}</td></tr>"
            for name, found in self.scores.get("test", {}).items()
            if isinstance(found, Mapping) and found["value"] is not None
        )
        return f"<table><caption>run {escape(self.id)}</caption>{rows}</table>"
