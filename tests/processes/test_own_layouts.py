"""Common layouts of picture folders: each trains, scores and prints its split."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.processes


def picture(path, seed):
    """A smooth picture of its own size, in the format that its name says."""
    rng = np.random.default_rng(seed)
    size = tuple(int(side) for side in rng.integers(20, 60, 2))
    small = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize(size, Image.Resampling.BILINEAR)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.convert("L" if path.stem.endswith("grey") else "RGB").save(path)


def mixed(folder):
    for number in range(60):
        ending = ("jpg", "png", "webp", "bmp")[number % 4]
        grey = "_grey" if number % 7 == 0 else ""
        picture(folder / f"IMG_{number:03}{grey}.{ending}", number)
    (folder / "notes.txt").write_text("what is on them")


def classes(folder):
    for number in range(60):
        picture(folder / ("cat", "dog", "owl")[number % 3] / f"{number}.png", number)


def views(folder):
    for number in range(60):
        view = ("front", "side")[number // 24 % 2]
        picture(folder / f"person{number % 24:02}" / view / f"{number}.png", number)


def official(folder):
    for number in range(60):
        split = "val" if number % 5 == 0 else "train"
        picture(folder / split / f"{number}.png", number)


def wrapped(folder):
    views(folder.with_name("unpacked"))
    with zipfile.ZipFile(folder, "w") as archive:
        for file in sorted(folder.with_name("unpacked").rglob("*.png")):
            name = file.relative_to(folder.with_name("unpacked"))
            archive.write(file, f"faces-1.0/{name}")


def links(folder):
    views(folder.with_name("elsewhere"))
    folder.mkdir()
    for person in sorted(folder.with_name("elsewhere").iterdir()):
        (folder / person.name).symlink_to(person)
    (folder / "again").symlink_to(folder)


PEOPLE = "by group: train 50 (20 groups), validation 5 (2 groups), test 5 (2 groups)"
LAYOUTS = {
    "60 mixed pictures": (
        *(mixed, "pictures"),
        ["by picture: train 48, validation 6, test 6"],
    ),
    "a class layout": (
        *(classes, "pictures"),
        ["3, from the first folder", "by picture: train 48, validation 6, test 6"],
    ),
    "person/view/": (views, "pictures", ["24, from the first folder", PEOPLE]),
    "train/ val/": (
        *(official, "pictures"),
        ["the folders train/, val/ say the split", "train 48, validation 12, test 0"],
    ),
    "a zip with a wrapper": (
        *(wrapped, "pictures.zip"),
        ["24, from the first folder below 'faces-1.0'", PEOPLE],
    ),
    "links": (links, "pictures", ["24, from the first folder", PEOPLE]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_layout_trains_scores_and_prints_its_split(
    layout, root, tiny_file, command
):
    make, name, said = LAYOUTS[layout]
    make(root / name)
    model = json.dumps(json.loads(tiny_file.read_text())["model"])
    small = [f"model={model}", "data.image_size=16", "training.steps=12"]
    small += ["training.batch_size=8", "training.precision=float32"]
    options = [part for each in small for part in ("--set", each)]
    answer = command("run", f"./{name}", *options, "--json")
    assert answer.code == 0, answer.err
    assert answer.data["steps"] == 12
    assert answer.data["scores"]["psnr"] > 5
    assert answer.data["images"] > 0
    assert "wrote pictures.json, which trains on the 60 pictures" in answer.err
    told = " ".join(answer.err.split())
    for text in said:
        assert text in told
    assert "the largest centred square of each picture" in told
