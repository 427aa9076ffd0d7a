"""Runs: found, resumed, scored, compared, and used to turn images into tokens and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from vqfw.api.given import given_images
from vqfw.api.pictures import BadImage, Crop
from vqfw.api.preparation import splits_of, splits_to_train_on
from vqfw.api.records import environment_of
from vqfw.api.reopened import Reopened
from vqfw.api.scoring import score_again
from vqfw.api.shown import as_html, text_of
from vqfw.api.talk import speaker
from vqfw.api.token_files import write_pictures, write_tokens
from vqfw.api.training import train_and_score
from vqfw.api.turn import one_at_a_time
from vqfw.errors import UsageError
from vqfw.runs import RunFolder, default_root, find_run, list_folders
from vqfw.runs.exactness import promise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vqfw.api.codec import Codec
    from vqfw.api.history import History
    from vqfw.api.keras_model import VQAutoencoder
    from vqfw.api.tokens import Tokens
    from vqfw.data.arrays import Images, Splits
    from vqfw.data.given import GivenImages
    from vqfw.diagnosis.verdict import Diagnosis
    from vqfw.evaluation.score import Evaluation
    from vqfw.kinds.hooks import Section
    from vqfw.results.compare_table import Comparison
    from vqfw.training.loop import Trained

Built = TypeVar("Built")


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
    # The working directory may be another one when the files are read.
    files = tuple(Path(file).expanduser().absolute() for file in plugins)
    return Run(find_run(root_of(root), wanted), plugins=files)


def list_runs(root: str | Path | None = None) -> list[Run]:
    """All runs, oldest first."""
    return [Run(folder) for folder in list_folders(root_of(root))]


def compare(runs: Sequence[str | Run], root: str | Path | None = None) -> Comparison:
    """Compares runs: their settings, versions and scores.

        vqfw.compare([run, "latest"])

    Args:
        runs: two or more, by name or as objects; differences are to the first.
        root: the folder with ``checkpoints/``.

    Raises:
        RunError: if there are fewer than two, or one cannot be found.
    """
    from vqfw.results.comparison import compare_folders

    if isinstance(runs, str):
        raise TypeError(f"runs are a list of two or more, not text: [{runs!r}, ...]")

    opened = [each if isinstance(each, Run) else open_run(each, root) for each in runs]
    return compare_folders([run.folder for run in opened])


def root_of(root: str | Path | None) -> Path:
    """The folder with ``checkpoints/``: the given one, else the default."""
    return default_root() if root is None else Path(root).resolve()


@dataclass(repr=False)
class Run:
    """A run on disk: its scores and history, and its model between images and tokens.

        run = vqfw.load("experiments/experiment.json").run()
        run = vqfw.open_run("latest")                  # the same, later

        run.scores["test"]["psnr"]["value"]
        plt.plot(run.history["step"], run.history["loss"])
        faces = run.images("test").pixels              # uint8 (n, height, width, channels)
        tokens = run.encode(faces)                     # codes of the codebook
        pictures = run.decode(tokens)                  # uint8, as faces
        run.reconstruct(faces)                         # the two together

    Where the experiment has ``training.weight_averaging``, ``scores`` and all of these use
    the averaged weights; ``evaluate(weights="last")`` scores the others.

    Args:
        folder: its files.
        trained: how the training of this process went; None for a run that was opened.
        plugins: files that may be run for it, if it was made with them.
    """

    folder: RunFolder
    trained: Trained | None = None
    plugins: tuple[str | Path, ...] = ()
    _given: GivenImages | None = field(default=None, init=False, compare=False)
    _splits: Splits | None = field(default=None, init=False, compare=False)
    _built: dict[Any, tuple[list[int], Any]] = field(
        default_factory=dict, init=False, compare=False
    )

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
        """Recorded scores, by split and metric.

            run.scores["test"]["psnr"]                 # {"value": 28.8, "interval": ...}

        Each metric has ``value``, ``interval`` (95 %, or None), ``images``, ``unit`` and
        ``better``; ``images`` and ``bits_per_image`` of a split are numbers.
        """
        from vqfw.api.history import Recorded

        scores = self.folder.scores
        return Recorded({split: Recorded(each) for split, each in scores.items()})

    @property
    def history(self) -> History:
        """What each step of the training recorded: a mapping of NumPy columns.

            plt.plot(run.history["step"], run.history["loss"])
            list(run.history)                          # the names of all columns

        ``run.history.to_pandas()`` makes a frame of it.
        """
        from vqfw.api.history import History

        return History(self.folder)

    @one_at_a_time()
    def images(
        self,
        split: Literal["train", "validation", "test"] = "test",
        data_path: str | Path | None = None,
        quiet: bool = False,
        images: Any = None,
        groups: Sequence[Any] | None = None,
    ) -> Images:
        """The images of the run's own data, as they were trained on or scored.

            faces = run.images("test")
            faces.pixels                # uint8 (n, height, width, channels), read-only
            faces.ids, faces.groups     # names, and whom the pictures show; the names
                                        # in an array are row numbers: "00000012"

        Args:
            split: which part.
            data_path: where the data of the run lies now.
            quiet: whether to show nothing.
            images: the array of the training, for a run that was trained on one.
            groups: those of the training, if it had any.

        Raises:
            UsageError: if there is no such split.
            RunError: if the images are not those of the training.
            DataError: if the data is not found, or the run was made elsewhere and
                ``data_path`` is missing.
        """
        if split not in ("train", "validation", "test"):
            known = '"train", "validation" or "test"'
            raise UsageError(f'there is no split "{split}": write {known}')
        if self._splits is None or images is not None or data_path is not None:
            reopened = self._with_array(images, groups)
            asked = ("eval", "--run", self.id)
            plan = reopened.plan_with_data(*asked, data_path=data_path)
            splits = splits_of(plan, quiet)
            reopened.require_same(splits, plan, *asked)
            self._splits = splits
        part: Images = getattr(self._splits, split)
        return part

    @one_at_a_time()
    def encode(self, images: Any) -> Tokens:
        """Writes images as tokens, with the scored weights.

            tokens = run.encode(run.images("test").pixels)
            tokens.grids["quantizer"]   # (n, *positions, num_codebooks) int32
            np.array(tokens)            # a copy, to edit

        Args:
            images: (n, height, width, channels), uint8 or floats in [0, 1], of the size
                and channels that the run was trained on; or what ``images`` returned.

        Raises:
            DataError: if the images have another shape, type or range.
            RunError: if the model of the run has no tokens, or there is no checkpoint.
        """
        return self._codec().encode(images)

    @one_at_a_time()
    def decode(
        self, tokens: Any, dtype: Literal["uint8", "float32"] = "uint8"
    ) -> NDArray[Any]:
        """Turns tokens into images.

            grid = np.array(run.encode(faces))
            grid[0, 0, 0] = 7                          # another code in one corner
            pictures = run.decode(grid)

        Args:
            tokens: what ``encode`` returned, or an integer array of that shape where the
                model has one grid; other codes may stand in it.
            dtype: ``uint8``, or ``float32`` for images in [0, 1] that are not rounded.

        Returns:
            (n, height, width, channels).

        Raises:
            DataError: if a token is out of the vocabulary, the shape is another, or
                another codebook made the tokens.
            RunError: if the model of the run has no tokens, or there is no checkpoint.
        """
        from vqfw.evaluation.pictures import to_pixels

        if dtype not in ("uint8", "float32"):
            raise UsageError(f'dtype is {dtype!r}: write "uint8" or "float32"')
        decoded = self._codec().decode(tokens)
        return decoded if dtype == "float32" else to_pixels(decoded)

    @one_at_a_time()
    def reconstruct(self, images: Any) -> NDArray[Any]:
        """The model's reconstructions of images: uint8 for uint8, float32 for floats.

        Where the model has tokens, ``decode(encode(images))`` gives the same.

        Args:
            images: as ``encode`` takes them.

        Raises:
            DataError: if the images have another shape, type or range.
            RunError: if there is no checkpoint.
        """
        return self._codec().reconstruct(images)

    @one_at_a_time(trains=True)
    def resume(
        self,
        quiet: bool = False,
        data_path: str | Path | None = None,
        images: Any = None,
        groups: Sequence[Any] | None = None,
    ) -> Run:
        """Goes on from the newest whole checkpoint, to the last step and its scores.

        Args:
            quiet: whether to show nothing.
            data_path: where the data of the run lies now.
            images: the array of the training, for a run that was trained on one.
            groups: those of the training, if it had any.

        Raises:
            RunError: if another process is writing the run, another thread is training,
                or the images are not those of the training.
            DataError: if the data is not found, or the run was made elsewhere and
                ``data_path`` is missing.
            PluginError: if the run needs plugin files that are not trusted here.
        """
        reopened = self._with_array(images, groups)
        asked = ("run", "--resume", self.id)
        with reopened.writing():
            plan = reopened.plan_with_data(*asked, data_path=data_path)
            speaker(quiet)(promise(self.folder.environment, environment_of(plan)))
            splits = splits_to_train_on(plan, quiet)
            reopened.require_same(splits, plan, *asked)
            self.trained = train_and_score(self.folder, plan, splits, quiet)
        self._splits, self._given = splits, reopened.given
        return self

    @one_at_a_time()
    def evaluate(
        self,
        split: Literal["validation", "test"] = "test",
        data: str | Path | None = None,
        quiet: bool = False,
        weights: Literal["averaged", "last"] = "averaged",
        data_path: str | Path | None = None,
        crop: Crop | None = None,
        on_bad_image: BadImage | None = None,
        images: Any = None,
        groups: Sequence[Any] | None = None,
    ) -> Evaluation:
        """Scores the run again, and records the scores where the run can be written.

            run.evaluate("validation").values["psnr"]
            run.evaluate(data="my_pictures").scores["psnr"].interval

        Args:
            split: of its own data.
            data: a folder or archive of other pictures, scored in place of a split.
            quiet: whether to show nothing.
            weights: ``last`` scores the weights of the last step where the run averages
                its weights, and records it as ``<split>_last_weights``; no tokens are
                kept of them.
            data_path: where the run's own data lies now.
            crop: as in ``tokenize``, for the pictures in ``data``.
            on_bad_image: likewise.
            images: the array of the training, for a run that was trained on one; it is
                divided as it was then, and ``split`` is scored.
            groups: those of the training, if it had any.

        Raises:
            DataError: if there are no images, the data is not found, or the run was made
                elsewhere and ``data_path`` is missing.
            PluginError: if the run needs plugin files that are not trusted here.
            CheckpointError: if there is no valid checkpoint.
            UsageError: if the options contradict each other.
            RunError: if another process is writing the run, another thread is training,
                the images are not those of the training, or there are no averaged
                weights to tell ``last`` from.
        """
        if data is not None and images is not None:
            raise UsageError(
                "data and images are given: leave out images to score other pictures, "
                "or data to score the array of the training"
            )
        run = self._with_array(images, groups)
        return score_again(
            run, split, data, quiet, weights, data_path, crop, on_bad_image
        )

    def diagnose(self) -> Diagnosis:
        """Why the codebook collapsed, and what to change; or that nothing is wrong.

        It reads the records of the run and builds no model.

        Raises:
            RunError: if no step was recorded, or the model has no tokens.
        """
        from vqfw.diagnosis.verdict import diagnose

        return diagnose(self.folder)

    @one_at_a_time()
    def tokenize(
        self,
        data: str | Path,
        output: str | Path,
        quiet: bool = False,
        crop: Crop | None = None,
        on_bad_image: BadImage | None = None,
    ) -> int:
        """Writes the tokens of a folder of pictures to a file.

        Args:
            data: a folder or archive of pictures.
            output: the file to write, as ``.npz`` whatever its name, or a pipe.
            quiet: whether to show nothing.
            crop: side of the centred square in pixels of the picture, or ``none`` for
                the largest; None for the crop of the run.
            on_bad_image: ``error`` stops at a picture that cannot be used, ``skip``
                leaves it out and names it; None for what the run does.

        Returns:
            The number of pictures.

        Raises:
            RunError: if the model of the run has no tokens, or another thread trains.
            DataError: if there are no pictures.
            UsageError: if the file cannot be written, or is the pictures themselves;
                this is checked first.
        """
        return write_tokens(self._reopened, data, output, quiet, crop, on_bad_image)

    @one_at_a_time()
    def detokenize(self, tokens: str | Path, output: str | Path) -> int:
        """Decodes a file of tokens to PNG pictures with the names of the originals.

        ``.png`` replaces the suffix of a name, or follows it where two names differ in
        their suffix alone.

        Args:
            tokens: an ``.npz`` that ``tokenize`` wrote.
            output: the folder to write.

        Returns:
            The number of pictures.

        Raises:
            DataError: if the tokens belong to another codebook or a name leads out of
                the folder; nothing is written then.
            UsageError: if the folder cannot be written, or a picture is in the way; both
                are checked before anything is written.
        """
        return write_pictures(self._reopened, tokens, output)

    def sections(self) -> list[Section]:
        """Sections that observers of installed packages add to a report of the run."""
        from vqfw.kinds.hooks import Section
        from vqfw.registry.hooks import observers

        answers = observers().gather("vqfw_report_sections", Section, run=self.folder)
        return [section for _, section in answers]

    @property
    def model(self) -> VQAutoencoder:
        """The trained model as a ``keras.Model``, with the weights that are scored.

            outer = keras.Sequential([run.model, keras.layers.Flatten()])
            run.model.save("faces.keras")

        ``help(vqfw.VQAutoencoder)`` says what it takes, trains and how it is loaded. This
        is a property that builds it once, and again after ``resume``: what is fitted stays
        in it, while the run on disk keeps its weights. Names, seeds and dtype policy of
        Keras stay as they are.

        Raises:
            RunError: if there is no checkpoint, or another thread is training.
            CheckpointError: if there is no valid one.
            PluginError: if the run needs code that this person has not vouched for.
        """
        from vqfw.api.keras_model import scored_model

        return self._newest(scored_model)

    def _codec(self) -> Codec:
        from vqfw.api.codec import codec_of

        return self._newest(codec_of)

    def _newest(self, build: Callable[[Reopened], Built]) -> Built:
        """Calls ``build`` once for each newest checkpoint, and keeps the result."""
        from vqfw.runs.checkpoint import steps

        now = steps(self.folder.states)
        if build not in self._built or self._built[build][0] != now:
            self._built[build] = now, build(self._reopened)
        built: Built = self._built[build][1]
        return built

    @property
    def _reopened(self) -> Reopened:
        return Reopened(self.folder, self.plugins, self._given)

    def _with_array(self, images: Any, groups: Sequence[Any] | None) -> Reopened:
        """The run with the array of a call, or that of its training in this process."""
        given = given_images(images, groups)
        return self._reopened if given is None else replace(self._reopened, given=given)

    def __repr__(self) -> str:
        return f"<Run {text_of(self.folder)}>"

    def _repr_html_(self) -> str:
        return as_html(self.folder)
