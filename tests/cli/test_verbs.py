"""Output and files of each verb without an error."""

import json
import re
import shlex
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

import vqfw
from vqfw.errors import UsageError
from vqfw.evaluation.tokens import TokenFile

ROOT = Path(__file__).parents[2]
SCORES = {"psnr", "ssim", "codebook_usage", "perplexity"}


@pytest.fixture
def ran(tiny_file, command):
    """The answer of ``vqfw run --json``."""
    answer = command("run", "tiny.json", "--name", "a", "--json", "--quiet")
    assert answer.code == 0
    return answer


def test_run_and_eval_print_one_object_with_the_same_scores(ran, root, command):
    data = ran.data
    assert list(data)[:5] == ["vqfw", "run", "path", "split", "images"]
    identity = {"vqfw": 1, "run": "a", "split": "test", "images": 4}
    assert identity.items() <= data.items()
    assert data["path"] == str(root / "checkpoints" / "a")
    assert set(data["scores"]) == SCORES
    assert data["steps"] == 12
    assert data["seconds"] > 0
    assert data["images_per_second"] is None  # no step came after the warm-up
    assert ran.err == ""
    for _ in range(2):
        scored = command("eval", "--json")
        assert scored.code == 0
        assert scored.data == {name: data[name] for name in list(data)[:6]}
        assert "decoded from the tokens alone: equal in every bit" in scored.err


def test_a_run_leaves_every_file_that_the_readmes_list(ran, root):
    def listed(readme):
        text = (ROOT / readme).read_text()
        cells = [line.split("|")[1] for line in text.splitlines() if "| `" in line]
        return re.findall(r"`([^`]+)`", " ".join(cells))

    found = root / "checkpoints" / "a"
    for name in listed("checkpoints/README.md"):
        assert list(found.glob(re.sub("<.*>", "*", name).rstrip("/"))), name
    assert (root / "checkpoints" / "LATEST").read_text() == "a\n"
    pictures = root / "images_saved" / "a"
    only_after_eval = {"data/", "validation/"}
    for name in set(listed("images_saved/README.md")) - only_after_eval:
        assert list(pictures.glob(re.sub("N|EPOCH", "*", name))), name
    film = imageio.imread(pictures / "training.gif")
    assert film.shape[0] == 3  # one grid an epoch
    assert imageio.imread(pictures / "original_2.png").shape == (16, 16, 3)


def test_the_environment_record_has_versions_devices_and_threads(ran, tiny_file, root):
    path = root / "checkpoints" / "a"
    assert (path / "experiment.json").read_text() == tiny_file.read_text()
    environment = json.loads((path / "environment.json").read_text())
    assert environment["seed"] == 0
    assert environment["precision"] == "float32"
    assert environment["threads"] >= 1
    assert environment["backend"] in environment["versions"]
    assert environment["devices"]
    origins = json.loads((path / "origins.json").read_text())
    assert "tiny.json" in origins["training.steps"]


def test_run_prints_the_scores_and_the_folders(tiny_file, command):
    answer = command(
        "run",
        "tiny.json",
        "--name",
        "a",
        "--set",
        "expected={'psnr':27}".replace("'", '"'),
    )
    assert answer.code == 0
    assert re.search(r"psnr +\d+\.\d+ dB ± .*\(expected 27\)", answer.out)
    *_, records, pictures = answer.err.splitlines()
    assert records.split() == ["records", "and", "weights:", "checkpoints/a"]
    assert pictures.split() == ["pictures:", "images_saved/a"]


def test_validation_is_scored_beside_the_test(done, root, command):
    before = (root / "images_saved" / "done" / "original_1.png").read_bytes()
    answer = command("eval", "--split", "validation", "--json", "--quiet")
    assert answer.code == 0
    assert answer.data["split"] == "validation"
    assert set(done.scores) == {"test", "validation"}
    assert (root / "images_saved" / "done" / "original_1.png").read_bytes() == before
    last = (done.folder.path / "metrics.jsonl").read_text().splitlines()[-1]
    logged = json.loads(last)["validation_psnr"]
    assert answer.data["scores"]["psnr"] == pytest.approx(logged, rel=1e-6)


@pytest.mark.processes
def test_last_weights_are_scored_beside_the_averages(done, tiny, command):
    averaging = tiny("training.weight_averaging=0.9").run(name="averaging")
    before = averaging.scores["test"]
    answer = command("eval", "--run", "averaging", "--weights", "last", "--json")
    assert answer.data["split"] == "test_last_weights"
    scores = vqfw.open_run("averaging").scores
    assert scores["test"] == before
    assert scores["test_last_weights"] == done.scores["test"] != before
    assert (averaging.folder.pictures / "last_weights" / "recon_1.png").is_file()
    assert [*averaging.folder.path.glob("tokens*")] == [
        averaging.folder.path / "tokens_test.npz"
    ]
    with pytest.raises(UsageError, match='"averaged" or "last"'):
        averaging.evaluate(weights="Last")


def test_eval_of_last_weights_needs_averaged_weights(done, command):
    answer = command("eval", "--run", "done", "--weights", "last")
    assert answer.code == 2
    assert "leave --weights out" in answer.err


def test_eval_scores_other_pictures(done, pictures, root, command):
    answer = command("eval", "--data", "pictures", "--json", "--quiet")
    assert answer.code == 0
    assert answer.data["split"] == "data"
    assert answer.data["images"] == 3
    assert (root / "images_saved" / "done" / "data" / "recon_2.png").exists()


def test_a_damaged_record_of_tokens_does_not_stop_eval(done, command):
    path = done.folder.path / "tokens_test.npz"
    path.write_bytes(path.read_bytes()[:100])
    assert command("eval", "--quiet").code == 0
    assert TokenFile.load(path).tokens.shape == (4, 4, 4, 1)


def test_tokens_give_exactly_the_pictures_that_the_model_makes(
    done, pictures, root, command
):
    answer = command("tokenize", "pictures", "-o", "my tokens")
    assert answer.code == 0
    assert "3 pictures" in answer.err
    assert answer.hint() == ["reconstruct", "--run", "done", "my tokens"]
    back = command(*answer.hint())
    assert back.code == 0
    assert "3 pictures written to reconstructed" in back.err
    command("eval", "--data", "pictures", "--quiet", "--run", "done")
    names = ("anna/1.png", "anna/2.png", "ben/1.png")
    # Of three pictures eval shows two, the first and the last.
    for number, name in ((1, names[0]), (2, names[2])):
        shown = root / "images_saved" / "done" / "data" / f"recon_{number}.png"
        decoded = imageio.imread(root / "reconstructed" / name)
        np.testing.assert_array_equal(decoded, imageio.imread(shown))
    assert len(list((root / "reconstructed").rglob("*.png"))) == 3


def test_pictures_whose_names_differ_by_suffix_alone_stay_apart(
    done, pictures, root, command
):
    (pictures / "anna" / "1.jpg").write_bytes(
        (pictures / "anna" / "2.jpg").read_bytes()
    )
    assert command("tokenize", "pictures", "-o", "t.npz").code == 0
    assert command("reconstruct", "t.npz", "-o", "back").code == 0
    written = {path.name for path in (root / "back" / "anna").iterdir()}
    assert written == {"1.jpg.png", "1.png.png", "2.jpg.png"}


def test_reconstruct_replaces_no_picture(done, pictures, command, files):
    assert command("tokenize", "pictures", "-o", "t.npz").code == 0
    before = files()
    answer = command("reconstruct", "t.npz", "-o", "pictures")
    assert answer.code == 2
    assert "already: choose another folder with -o" in answer.err
    assert files() == before


def token_file(done, **changes):
    file = TokenFile.load(done.folder.path / "tokens_test.npz")
    return TokenFile(**{**file.__dict__, **changes})


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", "a\0b", "../../checkpoints/LATEST", "\ud800"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(
    name, done, root, command, files
):
    names = ("good", name, "fine", "too")
    if name.isascii():
        token_file(done, names=names).save(root / "bad.npz")
        before = files()
        answer = command("reconstruct", "bad.npz", "-o", "out/pictures")
        assert answer.code == 4
        assert "would be written outside" in answer.err
        assert files() == before
    else:
        with pytest.raises(vqfw.errors.DataError, match="outside"):
            vqfw.api.token_files.targets_of(root, names)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"fingerprint": "0" * 32}, "decode them with the run that made them"),
        ({"tokens": np.zeros((4, 5, 5, 1), "int32")}, "5, 5, 1), run"),
        ({"tokens": np.full((4, 4, 4, 1), 16)}, "token 16 is outside"),
        ({"names": ("a", "b")}, "for 2 names"),
        ({"names": ("a", "a", "b", "c")}, "the same name"),
        ({"vocabulary": (16, 16)}, "2 codebooks"),
    ],
)
def test_tokens_that_do_not_fit_the_run_are_an_error(
    changes, sentence, done, root, command
):
    token_file(done, **changes).save(root / "bad.npz")
    answer = command("reconstruct", "bad.npz")
    assert answer.code == 4
    assert sentence in answer.err
    assert not (root / "reconstructed").exists()


@pytest.mark.processes
def test_a_model_without_tokens_cannot_tokenize(tiny, command, pictures):
    vae = (
        'model={"type":"vae","encoder":{"type":"residual_conv","filters":8},'
        '"decoder":{"type":"residual_conv","filters":8}}'
    )
    tiny("training.steps=1", vae).run(name="a")
    answer = command("tokenize", "pictures")
    assert answer.code == 2
    assert "is a vae, which has no tokens" in answer.err


def test_every_hint_of_a_new_user_leads_on(root, command, monkeypatch):
    monkeypatch.setenv("VQFW_ROOT", "")
    first = command()
    assert first.code == 0
    assert "vqfw run experiments/experiment.json" in first.out
    begun = command("init")
    assert begun.code == 0, begun.err
    assert begun.hint() == ["run", "experiments/experiment.json"]
    hints = re.findall(
        r"with: vqfw (.*)", Path("experiments/experiment.json").read_text()
    )
    for hint in ["plugins list", "--help", *hints]:
        assert command(*shlex.split(hint)).code == 0, hint
    valid = command("validate", "experiments/experiment.json")
    assert command(*valid.hint()).code == 0
    again = command("init")
    assert again.code == 2
    small = ["--set", "training.steps=1", "--set", "evaluation.pictures=1"]
    small += ["--set", "training.batch_size=2", "--set", "data.image_size=16"]
    small += ["--set", "model.encoder.filters=8", "--set", "model.decoder.filters=8"]
    small += ["--set", "model.quantizer.num_embeddings=8", "--set", "data.crop=80"]
    assert command(*begun.hint(), *small, "--quiet").code == 0
    assert command("runs", "path").out.strip().endswith("_first")


def test_runs_are_listed_with_their_scores(done, command):
    answer = command("runs", "list", "--json")
    assert [run["run"] for run in answer.data["runs"]] == ["done"]
    assert set(answer.data["runs"][0]["scores"]) == SCORES
    assert "psnr" in command("runs", "list").out
    assert command("runs", "path", "do").out.strip() == str(done.folder.path)


def test_a_plan_prints_the_bits_and_writes_no_file(tiny_file, command, files):
    before = files()
    answer = command("plan", "tiny.json")
    assert answer.code == 0
    assert "4×4×1 tokens of 16 codes = 64 bits" in answer.out
    data = command("plan", "tiny.json", "--json").data
    assert data["bits_per_image"] == 64
    assert data["image_shape"] == [16, 16, 3]
    assert files() == before


def test_a_plan_prints_the_bits_of_codes_that_exclude_each_other(tiny_file, command):
    trellis = '{"type": "trellis", "num_embeddings": 16, "embedding_dim": 8}'
    answer = command("plan", "tiny.json", "--set", f"model.quantizer={trellis}")
    told = "4×4×1 tokens of 32 codes, 4 bits a position = 64 bits an image"
    assert answer.code == 0
    assert told in answer.out


def test_explain_prints_the_origin_of_a_value(tiny_file, command):
    answer = command("explain", "tiny.json", "--set", "seed=7")
    assert answer.code == 0
    assert re.search(r"seed.*7.*--set", answer.out)
    assert re.search(r"training\.steps.*12.*tiny\.json:1", answer.out)


def test_no_public_name_is_hidden_by_a_room_of_the_same_name():
    rooms = {path.stem for path in (ROOT / "vqfw").iterdir()}
    assert not rooms & set(vqfw.__all__)
    assert all(callable(getattr(vqfw, name)) for name in vqfw.__all__)


def test_every_verb_has_a_twin_in_python(tiny, done, pictures, root):
    experiment = tiny("training.steps=1")
    assert experiment.set("seed", 3).plan().experiment.seed == 3
    assert "tiny.json" in experiment.checked.explain()
    assert [run.id for run in vqfw.list_runs()] == ["done"]
    opened = vqfw.open_run("latest")
    assert opened.evaluate().values["psnr"] == done.scores["test"]["psnr"]["value"]
    assert opened.tokenize(pictures, root / "t.npz") == 3
    assert opened.detokenize(root / "t.npz", root / "back") == 3
    assert "psnr" in opened._repr_html_()
    assert {entry.kind for entry in vqfw.components("quantizer")} == {"quantizer"}
    assert json.loads(vqfw.schema_text())["type"] == "object"
    folder = root / "new"
    assert all(path.exists() for path in vqfw.init(folder))


@pytest.fixture
def mixed(pictures):
    """The pictures, one that is torn and one too small for a crop of 16."""
    (pictures / "ben/torn.png").write_bytes((pictures / "ben/1.png").read_bytes()[:300])
    small = pictures / "small.png"
    imageio.imwrite(small, np.zeros((12, 12, 3), np.uint8))
    return pictures


@pytest.mark.parametrize("verb", ["eval", "tokenize"])
def test_the_rule_of_the_run_for_bad_pictures_holds_everywhere(
    verb, tiny, mixed, command
):
    asked = {
        "eval": ["eval", "--data", "pictures"],
        "tokenize": ["tokenize", "pictures"],
    }
    tiny("data.on_bad_image=skip", "training.steps=1").run(name="skips")
    answer = command(*asked[verb], "--run", "skips")
    assert answer.code == 0, answer.err
    assert "1 picture was left out: picture 'ben/torn.png'" in answer.err
    answer = command(*asked[verb], "--run", "skips", "--on-bad-image", "error")
    assert answer.code == 4
    assert "--on-bad-image skip leaves such pictures out" in answer.err


@pytest.mark.processes
def test_pictures_are_cropped_as_in_the_run_without_crop(tiny, mixed, command):
    tiny("data.crop=16", "data.on_bad_image=skip", "training.steps=1").run(name="crops")
    answer = command("tokenize", "pictures")
    assert "16 × 16 pixels of each picture (53.3 % of its area" in answer.err
    assert "2 pictures were left out" in answer.err
    (mixed / "ben/torn.png").unlink()
    answer = command("tokenize", "pictures", "--on-bad-image", "error")
    assert answer.code == 4
    assert "'small.png' has 12 × 12 pixels" in answer.err
    for crop in ("12", "none"):
        assert f"--crop {crop} " in answer.err
        assert command("tokenize", "pictures", "--crop", crop).code == 0
    scored = command("eval", "--data", "pictures", "--crop", "none", "--json")
    assert scored.data["images"] == 4
    assert vqfw.open_run("crops").scores["data"]["crop"] == "none"
    assert command("eval", "--data", "pictures", "--crop", "12").code == 0
    assert vqfw.open_run("crops").scores["data"]["crop"] == 12


@pytest.mark.parametrize("crop", ["0", "-3", "1.5", "all", "²"])
def test_a_crop_is_a_number_of_pixels_or_none(crop, done, command):
    answer = command("eval", "--data", "pictures", f"--crop={crop}")
    assert answer.code == 2
    assert "is not a number of pixels: write one from 1, or none" in answer.err


@pytest.mark.parametrize("option", [["--crop", "8"], ["--on-bad-image", "skip"]])
def test_the_runs_own_pictures_are_read_as_in_its_training(option, done, command):
    answer = command("eval", *option)
    assert answer.code == 2
    assert "hold for the pictures of --data: leave them out" in answer.err
