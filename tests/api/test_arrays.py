"""Training on an array of images: what it takes, divides, records, and asks for again."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import vqfw
from vqfw.api.given import given_images, on_array, with_array
from vqfw.api.preparation import splits_of, summary_of
from vqfw.errors import DataError, Interrupted, RunError, UsageError

PEOPLE = [f"person {row % 12}" for row in range(48)]


@pytest.fixture(scope="module")
def faces():
    """48 pictures of 24 × 20 pixels: smooth, each of another colour."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 256, (48, 3, 2, 3), "uint8")
    return corners.repeat(8, axis=1).repeat(10, axis=2)


@pytest.fixture
def experiment(tiny):
    return tiny("data.dataset=arrays")


@pytest.fixture(scope="module")
def run(faces, trained_once, person, tmp_path_factory):
    """A run that this process has trained on the array."""
    experiment = vqfw.load(trained_once / "tiny.json").set("data.dataset", "arrays")
    folder = tmp_path_factory.mktemp("arrays")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VQFW_STATE", str(person))
        return experiment.run("array", folder, True, images=faces, groups=PEOPLE)


@pytest.fixture
def opened(run):
    """The same run, opened by somebody who has to give the array again."""
    return vqfw.Run(run.folder)


def splits(experiment, images=None, groups=None):
    """What an experiment would train on."""
    given = given_images(images, groups)
    plan = vqfw.Experiment(on_array(experiment.checked, given, lambda text: None)).plan(
        find_data=given is None
    )
    return splits_of(with_array(plan, given), quiet=True)


def test_an_array_is_trained_on_and_scored_and_recorded(run, faces):
    assert run.scores["test"]["psnr"]["value"] > 0
    assert run.folder.resolved["data"]["dataset"] == {"type": "arrays", "channels": 3}
    assert run.folder.environment["data_fingerprint"]
    parts = [run.images(split) for split in ("train", "validation", "test")]
    assert sum(map(len, parts)) == 48
    assert all(part.pixels.shape[1:] == (16, 16, 3) for part in parts)
    people = [{*part.groups} for part in parts]
    assert set.union(*people) == {*PEOPLE}
    assert sum(map(len, people)) == 12  # nobody is in two splits
    for part in parts:
        assert list(part.groups) == [PEOPLE[int(name)] for name in part.ids]


def test_images_are_cropped_and_resized_as_files_are(experiment, faces, tmp_path, root):
    for row, (image, person) in enumerate(zip(faces, PEOPLE, strict=True)):
        path = tmp_path / "faces" / person / f"{row:08d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    folder = {"type": "image_folder", "path": str(tmp_path / "faces")}
    experiment = experiment.set("data.split_by", "group")
    files = splits(experiment.set("data.dataset", folder))
    array = splits(experiment, faces, PEOPLE)
    for split in ("train", "validation", "test"):
        of_files, of_array = getattr(files, split), getattr(array, split)
        order = np.argsort([name.rpartition("/")[2] for name in of_files.ids])
        np.testing.assert_array_equal(of_files.pixels[order], of_array.pixels)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_train_as_their_bytes_do(experiment, faces, dtype):
    floats = (faces / 255).astype(dtype)
    fingerprint = splits(experiment, faces).fingerprint
    assert splits(experiment, floats).fingerprint == fingerprint


def test_grey_images_without_groups_are_each_a_group(experiment, faces):
    images = splits(experiment, faces[..., :1])
    assert images.train.pixels.shape[1:] == (16, 16, 1)
    assert images.train.groups == images.train.ids


def test_the_dataset_of_the_experiment_is_named_when_it_is_not_read(tiny, faces):
    said = []
    given = given_images(faces[..., :1], None)
    checked = on_array(tiny().checked, given, said.append)
    assert checked.data.dataset == {"type": "arrays", "channels": 1}
    assert 'dataset "synthetic_faces" is not read' in said[0]
    on_array(checked, given, said.append)
    assert len(said) == 1


def test_a_run_that_is_opened_asks_for_the_array(run, opened, faces):
    for call in (opened.resume, opened.evaluate, opened.images):
        with pytest.raises(DataError, match=r"images=array"):
            call(quiet=True)
    again = opened.evaluate(images=faces, groups=PEOPLE, quiet=True)
    assert again.values["psnr"] == run.scores["test"]["psnr"]["value"]
    shown = opened.images("test", images=faces, groups=PEOPLE)
    np.testing.assert_array_equal(shown.pixels, run.images("test").pixels)


def test_the_process_that_trained_keeps_the_array(run):
    assert run.evaluate(quiet=True).values["psnr"] is not None


def test_another_array_or_other_groups_are_refused(opened, faces):
    for images, groups, differing in (
        (255 - faces, PEOPLE, "on other images"),
        (faces, None, "with other groups"),
        (faces[:40], None, "on other images"),
    ):
        message = f"trained {differing} than the .*: give images and groups"
        for call in (opened.resume, opened.evaluate, opened.images):
            with pytest.raises(RunError, match=message):
                call(images=images, groups=groups, quiet=True)


def test_a_cut_run_goes_on_with_the_same_array(experiment, faces, monkeypatch):
    from vqfw.training import loop

    whole = experiment.run("whole", quiet=True, images=faces, groups=PEOPLE)
    train_on = loop._Training._train_on

    def cut(training, batch):
        if training._step == 8:
            raise Interrupted("cut", 2)
        return train_on(training, batch)

    with monkeypatch.context() as patch:
        patch.setattr(loop._Training, "_train_on", cut)
        with pytest.raises(Interrupted):
            experiment.run("cut", quiet=True, images=faces, groups=PEOPLE)
    run = vqfw.open_run("cut").resume(quiet=True, images=faces, groups=PEOPLE)
    assert run.scores == whole.scores


def test_a_run_of_files_takes_no_array(done, faces):
    with pytest.raises(UsageError, match='dataset "synthetic_faces", not on an array'):
        done.evaluate(images=faces, quiet=True)


@pytest.mark.parametrize(
    ("change", "groups", "message"),
    [
        (lambda faces: faces[0], None, r"shape \(24, 20, 3\).*\(n, height, width"),
        (lambda faces: faces[..., 0], None, r"images\[\.\.\., None\]"),
        (lambda faces: faces.repeat(2, axis=3), None, "1 or 3 channels"),
        (lambda faces: np.moveaxis(faces, -1, 1), None, r"last: np\.moveaxis"),
        (lambda faces: faces / 127.5 - 1, None, r"-1\.\.1: \(images \+ 1\) / 2"),
        (lambda faces: faces[:0], None, "holds none"),
        (lambda faces: faces.astype("int64"), None, "int64, allowed are uint8"),
        (lambda faces: faces.astype("float32"), None, "to 25., floats must lie"),
        (lambda faces: faces * np.nan, None, "values that are NaN"),
        (lambda faces: [faces[0], faces[1, :9]], None, "one size"),
        (lambda faces: faces, PEOPLE[1:], r"groups have shape \(47,\) and images \(48"),
        (lambda faces: faces, [*PEOPLE[1:], None], r"groups\[47\] is None"),
    ],
)
def test_unusable_images_and_groups_are_refused_before_a_run_is_made(
    change, groups, message, experiment, faces, root
):
    with pytest.raises(DataError, match=message):
        experiment.run("refused", quiet=True, images=change(faces), groups=groups)
    assert not (root / "checkpoints" / "refused").exists()


def test_an_array_in_the_place_of_the_name_is_refused(experiment, faces):
    with pytest.raises(
        TypeError, match=r"not ndarray: for an array write images=array"
    ):
        experiment.run(faces)


def test_an_image_smaller_than_the_crop_is_refused_with_the_call_that_repairs_it(
    experiment, faces
):
    with pytest.raises(DataError) as caught:
        experiment.set("data.crop", 40).run(quiet=True, images=faces)
    assert 'is experiment.set("data.crop", None)' in notes(caught.value)
    assert 'is experiment.set("data.crop", 20)' in notes(caught.value)


def test_a_repair_for_the_command_line_is_said_in_python_too(run, experiment, faces):
    with pytest.raises(RunError, match="--name") as caught:
        experiment.run("array", run.folder.root, True, images=faces)
    assert "--name is name=" in notes(caught.value)
    assert 'vqfw.open_run("array").resume(), of an array' in notes(caught.value)
    with pytest.raises(RunError) as caught:
        vqfw.Run(run.folder).images(images=faces[:40])
    assert 'vqfw.open_run("array").evaluate()' in notes(caught.value)
    assert "--data is data=" in notes(caught.value)


def notes(error):
    """What a traceback shows below the message."""
    return "\n".join(error.__notes__)


def test_one_group_leaves_no_test_images_and_the_record_says_why(experiment, faces):
    experiment = experiment.set("training.steps", 1)
    run = experiment.run("one", quiet=True, images=faces, groups=[0] * len(faces))
    assert run.folder.environment["split_by"] == "group"
    assert len(run.images("test")) == 0
    test, validation = sorted(run.folder.environment["data_notes"])
    assert "no test images: the 48 training images belong to 1 group" in test
    assert "no validation images" in validation


def test_groups_without_images_are_refused(experiment):
    with pytest.raises(UsageError, match="add images=array"):
        experiment.run(groups=PEOPLE)


def test_an_experiment_for_arrays_is_planned_without_an_array(experiment):
    assert experiment.plan().image_shape == (16, 16, 3)
    assert summary_of(experiment.plan()) is None
    with pytest.raises(DataError, match=r"experiment\.run\(images=array"):
        experiment.run(quiet=True)
