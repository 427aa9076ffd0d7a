"""A folder or archive of pictures in place of an experiment file."""

import os
import shutil
import zipfile

import pytest
from PIL import Image

import vqfw
from vqfw.cli.command_line import main
from vqfw.errors import UsageError
from vqfw.experiment.starter import Pictures, starter_for


@pytest.fixture
def photos(pictures, root):
    """The folder of pictures under a name that an experiment cannot have."""
    return pictures.rename(root / "Meine Bilder")


class Stopped(Exception):
    """Stops a verb before its work."""


def stop(*arguments, **options):
    raise Stopped


@pytest.mark.parametrize("verb", ["run", "plan", "validate"])
def test_each_verb_writes_the_experiment_once(verb, photos, root, command, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(f"vqfw.cli.{verb}.say", stop)  # told that it is written
        with pytest.raises(Stopped):
            main([verb, "./Meine Bilder"])
    loaded = vqfw.load("meine_bilder.json").checked
    assert loaded.name == "meine_bilder"
    assert loaded.data.dataset["path"] == "./Meine Bilder"
    assert loaded.data.crop is None
    written = (root / "meine_bilder.json").read_bytes()
    answer = command("validate", "Meine Bilder/")
    assert "is used as it is" in answer.err
    assert (root / "meine_bilder.json").read_bytes() == written


def test_init_prints_the_files_it_wrote(photos, command):
    answer = command("validate", "Meine Bilder")
    assert answer.code == 0
    assert "wrote meine_bilder.json, which trains on the 3 pictures" in answer.err
    assert answer.hint() == ["plan", "meine_bilder.json"]


def test_set_changes_the_written_experiment(photos, root, command):
    answer = command("explain", "Meine Bilder", "--set", "training.steps=7", "--json")
    steps = [each for each in answer.data["values"] if each["path"] == "training.steps"]
    assert [each["value"] for each in steps] == [7]
    assert vqfw.load("meine_bilder.json").checked.training.steps == 600


@pytest.mark.parametrize("typed", ["pictures", "{root}/pictures", "../{name}/pictures"])
def test_a_relative_or_absolute_path_leads_to_the_same_pictures(typed, pictures, root):
    typed = typed.format(root=root, name=root.name)
    experiment = vqfw.load(typed)
    assert experiment.checked.file.name == "pictures.json"
    assert os.path.samefile(experiment.plan().dataset_path, pictures)


def test_an_archive_of_pictures_trains_too(pictures, root):
    with zipfile.ZipFile(root / "faces.v2.zip", "w") as archive:
        for file in pictures.rglob("*.*"):
            archive.write(file, file.relative_to(root))
    shutil.make_archive(str(root / "more"), "gztar", pictures)
    for name, file in (("faces.v2.zip", "faces_v2"), ("more.tar.gz", "more")):
        experiment = vqfw.load(name)
        assert experiment.checked.file.name == f"{file}.json"
        assert experiment.plan().dataset_path == str(root / name)


@pytest.mark.parametrize(
    ("size", "mode", "image_size", "channels"),
    [((28, 28), "L", 28, 1), ((50, 90), "RGB", 48, 3), ((5, 5), "RGB", 12, 3)],
)
def test_size_and_channels_follow_the_pictures(size, mode, image_size, channels, root):
    (root / "own").mkdir()
    for name in "abc":
        Image.new(mode, size).save(root / "own" / f"{name}.png")
    (root / "own" / "torn.png").write_bytes(b"torn")
    plan = vqfw.load("own").plan()
    assert plan.image_shape == (image_size, image_size, channels)


@pytest.mark.parametrize("count", [2, 3, 5, 60, 1_000, 10_000, 100_000])
def test_a_step_has_no_more_images_than_the_training_and_the_time_is_bounded(
    count, root
):
    pictures = Pictures("./own", count, 100, False)
    assert pictures.batch_size <= max(1, count // 2)
    assert 600 <= pictures.steps <= (600 if count <= 60 else 3000)
    (root / "own.json").write_text(starter_for(pictures, "own"))
    training = vqfw.load("own.json").checked.training
    assert (training.steps, training.batch_size) == (
        pictures.steps,
        pictures.batch_size,
    )


def test_a_changed_file_is_not_overwritten_and_the_hint_trains_it(
    pictures, root, command
):
    command("validate", "pictures")
    changed = (root / "pictures.json").read_text().replace("600", "700")
    (root / "pictures.json").write_text(changed)
    answer = command("validate", "pictures")
    assert answer.code == 2
    assert "nothing is overwritten" in answer.err
    assert "to train it: vqfw run pictures.json; or" in answer.err
    assert (root / "pictures.json").read_text() == changed


def test_pictures_of_the_same_name_elsewhere_get_a_hint_of_their_own(
    pictures, root, command
):
    command("validate", "pictures")
    (root / "more").mkdir()
    shutil.copytree(pictures, root / "more" / "pictures")
    answer = command("validate", "more/pictures")
    assert answer.code == 2
    hint = "vqfw run pictures.json --set data.dataset=./more/pictures; or"
    assert hint in answer.err
    plan = vqfw.load("pictures.json", ["data.dataset=./more/pictures"]).plan()
    assert plan.dataset_path == str(root / "more" / "pictures")


@pytest.mark.parametrize("content", ["{}", "not JSON", '{"data": 1}'])
def test_a_file_that_is_not_an_experiment_gets_no_hint_to_train_it(
    content, pictures, root, command
):
    (root / "pictures.json").write_text(content)
    answer = command("validate", "pictures")
    assert answer.code == 2
    assert answer.err.endswith("nothing is overwritten: move it away\n")
    assert "vqfw run" not in answer.err


def test_a_dangling_link_named_like_the_experiment_is_left_alone(
    pictures, root, command
):
    (root / "pictures.json").symlink_to("nowhere.json")
    answer = command("validate", "pictures")
    assert answer.code == 2
    assert "is there already" in answer.err
    assert not (root / "nowhere.json").exists()


ODD = {
    "an empty folder": ("empty", 4, "empty"),
    "a folder without pictures": ("texts", 4, "texts"),
    "a single picture": ("one", 4, "add pictures"),
    "a picture": ("one/a.png", 2, "neither an experiment (JSON) nor a folder"),
    "an archive of another kind": ("x.rar", 2, "vqfw run ./my_pictures"),
    "a text": ("texts/a.txt", 2, "texts/a.txt"),
    "nothing": ("nowhere", 2, "there is no file nowhere"),
}


@pytest.mark.parametrize("what", ODD)
def test_a_folder_without_pictures_is_an_error_and_nothing_is_written(
    what, root, command, files
):
    path, code, repair = ODD[what]
    for folder in ("empty", "texts", "one"):
        (root / folder).mkdir()
    (root / "texts" / "a.txt").write_text("words")
    Image.new("RGB", (9, 9)).save(root / "one" / "a.png")
    (root / "x.rar").write_bytes(b"Rar!\x1a\x07\0")
    before = files()
    answer = command("run", path)
    assert answer.code == code, answer.err
    assert repair in answer.err
    assert "Traceback" not in answer.err
    assert files() == before


def test_an_unreadable_folder_is_an_error_with_its_repair(
    pictures, command, monkeypatch
):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    answer = command("run", "pictures")
    assert answer.code == 4
    assert "Permission denied" in answer.err
    assert "chmod u+rX pictures" in answer.err


def test_running_a_run_folder_is_an_error_with_the_resume_command(done, root, command):
    answer = command("run", "checkpoints/done")
    assert answer.code == 2
    assert answer.hint() == ["run", "--resume", "done"]
    answer = command("run", "checkpoints")
    assert answer.hint() == ["runs", "list"]
    elsewhere = root / "else where" / "checkpoints"
    shutil.copytree(root / "checkpoints", elsewhere)
    answer = command("run", str(elsewhere / "done"))
    assert f"VQFW_ROOT='{root / 'else where'}' vqfw run --resume done" in answer.err


def test_running_an_experiments_folder_is_an_error_with_its_file(
    tiny_file, pictures, command
):
    shutil.copy(tiny_file, pictures / "first.json")
    (pictures / "labels.json").write_text('{"data": [1, 2, 3]}')
    assert command("run", "pictures").hint() == ["run", "pictures/first.json"]
    shutil.copy(tiny_file, pictures / "experiment.json")
    answer = command("run", "pictures")
    assert answer.code == 2
    assert answer.hint() == ["run", "pictures/experiment.json"]


def test_runs_are_not_written_among_the_pictures(pictures, command, monkeypatch, files):
    monkeypatch.delenv("VQFW_ROOT")
    monkeypatch.chdir(pictures)
    before = files()
    answer = command("run", ".")
    assert answer.code == 2
    assert f"cd {pictures.parent} && vqfw run ./pictures" in answer.err
    assert files() == before


def test_doctor_names_a_working_folder_that_cannot_be_written(pictures, monkeypatch):
    def refuse(dir):  # as in tempfile
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(UsageError, match="run this in a folder that can"):
        vqfw.load("pictures")


def test_plan_finds_the_data_and_prints_where_it_lies(pictures, root, command):
    command("validate", "pictures")
    small = ("--set", "model.encoder.filters=8", "--set", "model.decoder.filters=8")
    answer = command("plan", "pictures.json", *small)
    assert answer.code == 0, answer.err
    assert str(pictures) in answer.out
    pictures.rename(root / "moved")
    answer = command("plan", "pictures.json", *small)
    assert answer.code == 0, answer.err
    told = " ".join(answer.out.split())
    assert f"not listed: the data was not found; tried {pictures}, " in told
    assert "--set data.dataset.path=" in told


@pytest.mark.parametrize("verb", [["eval", "--data"], ["tokenize"]])
def test_missing_pictures_are_an_error_with_the_repair_of_the_verb(verb, done, command):
    answer = command(*verb, "nowhere")
    assert answer.code == 4
    assert "nowhere" in answer.err
    assert "correct the path" in answer.err
    assert "--set" not in answer.err


@pytest.mark.parametrize("verb", ["run", "plan", "validate", "explain"])
def test_a_folder_with_an_experiment_is_answered_with_plan_and_run(
    verb, root, tiny_file, command
):
    (root / "mine").mkdir()
    shutil.copy(tiny_file, root / "mine/experiment.json")
    answer = command(verb, "mine")
    assert answer.code == 2
    assert (
        "check it with: vqfw plan mine/experiment.json; train it with: " in answer.err
    )
    assert answer.hint() == ["run", "mine/experiment.json"]
    assert command("plan", "mine/experiment.json").code == 0


@pytest.mark.parametrize("typed", ["images_saved", "images_saved/a"])
def test_the_pictures_of_runs_are_no_training_data(typed, root, command):
    (root / "images_saved/a").mkdir(parents=True)
    for number in range(3):
        Image.new("L", (16, 16)).save(root / f"images_saved/a/recon_{number}.png")
    answer = command("run", typed)
    assert answer.code == 2
    assert answer.hint() == ["runs", "list"]
    assert command(*answer.hint()).code == 0
    assert not list(root.glob("*.json"))


def test_the_root_of_the_file_system_is_no_folder_of_pictures(root, command):
    answer = command("validate", "/")
    assert answer.code == 2
    assert "/ is the root of the file system" in answer.err
    assert answer.hint() == ["init"]
    assert command(*answer.hint()).code == 0
