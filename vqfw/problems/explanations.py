"""What each problem code means, at length, with a wrong and a right example.

``vqfw explain CODE`` prints it.
"""

from __future__ import annotations

from collections.abc import Mapping

from vqfw.errors import ExperimentError, Problem
from vqfw.problems.repairs import alternatives, suggestions

_TEXTS = {
    "ambiguous-component": """
Two installed packages register a component of the same kind under one name. vqfw does not
choose between them: write the package in front of the name. Components of vqfw itself
never lose their name to another package.

wrong:  "quantizer": {"type": "cosine"}
right:  "quantizer": {"type": "vqfw-cosine/cosine"}
""",
    "bad-name": """
The name of an experiment becomes the name of folders, so it has 1 to 64 lower-case
letters, digits, '.', '_' and '-', and begins with a letter or a digit.

wrong:  "name": "Faces, first try"
right:  "name": "faces-first-try"
""",
    "broken-component": """
The experiment names a component that is installed, but its options cannot be read: its
import fails or hangs, or its constructor has annotations that no JSON value can fill. The
message gives the reason. Repair or uninstall the package, or name another component.

wrong:  "quantizer": "fog"        (and: pip list shows vqfw-fog, which needs a library)
right:  "quantizer": "ema"
""",
    "conflict": """
Two settings are right by themselves and cannot both hold.

wrong:  "training": {"steps": 1500, "epochs": 20}
right:  "training": {"steps": 1500}
wrong:  "data": {"dataset": "orl", "validation": 0.5, "test": 0.5}
right:  "data": {"dataset": "orl", "validation": 0.1, "test": 0.1}

A setting that comes from an extended file is taken back with null: "steps": null.
""",
    "duplicate-key": """
An object has the same key twice. JSON would silently keep one of the two values, and
nobody could tell which one was meant.

wrong:  {"seed": 0, "seed": 1}
right:  {"seed": 1}
""",
    "encoding": """
The file is not UTF-8. Save it as UTF-8, with or without a byte order mark.

wrong:  a file saved as UTF-16 or Latin-1
right:  the same text saved as UTF-8
""",
    "extends": """
"extends", and "experiment" in a study, name an experiment file, relative to the folder of
the file that says it, and in or below that folder: an experiment of someone else must not
reach the rest of your disk. Files may extend files that extend files, but not in a circle.

wrong:  "extends": "/home/me/base.json"
wrong:  "extends": "../base.json"
right:  "extends": "base.json"
""",
    "reset-to-default": """
A warning: a new type takes the place of a component, and an option that was given to the
old one exists in the new one too, where its default holds now.

wrong:  --set model.quantizer.type=cosine        (and the file says "decay": 0.9)
right:  --set model.quantizer.type=cosine --set model.quantizer.decay=0.9
""",
    "image-too-small": """
A score cannot be computed on images of this size: SSIM compares windows of 11 pixels.

wrong:  "data": {"dataset": "orl", "image_size": 8}, "evaluation": {"metrics": ["ssim"]}
right:  "data": {"dataset": "orl", "image_size": 64}, "evaluation": {"metrics": ["ssim"]}
""",
    "missing-file": """
The experiment file is not there or cannot be read.

wrong:  vqfw validate experiment.jsn
right:  vqfw validate experiment.json
""",
    "missing-key": """
A setting without a default was not given. Which components are there, and what they need,
is shown by: vqfw plugins list, vqfw plugins show NAME.

wrong:  "data": {"image_size": 64}
right:  "data": {"dataset": "orl", "image_size": 64}
""",
    "missing-plugin": """
The experiment names a component of a package that is not installed.

wrong:  "quantizer": "vqfw-cosine/cosine"        (and vqfw-cosine is not installed)
right:  pip install vqfw-cosine
""",
    "never-placed": """
The codes of a quantizer are placed when its warm-up is over, and training ends before.

wrong:  "quantizer": {"type": "ema", "warm_up": 2000}, "training": {"steps": 1500}
right:  "quantizer": {"type": "ema", "warm_up": 200}, "training": {"steps": 1500}
""",
    "never-reached": """
A warning: a schedule ends after the last step of the training, so its end value never
holds.

wrong:  "beta": {"type": "linear", "steps": 5000}, "training": {"steps": 1500}
right:  "beta": {"type": "linear", "steps": 1000}, "training": {"steps": 1500}
""",
    "not-allowed": """
A setting takes one of a few values, and this is none of them.

wrong:  "training": {"steps": 1500, "precision": "bfloat16"}
right:  "training": {"steps": 1500, "precision": "mixed_bfloat16"}
""",
    "nothing-to-revive": """
A warning: the quantizer has no codebooks that the revival could move. Either its codes are
fixed, and an unused one is just not chosen; or it keeps them to itself: only a
CodebookQuantizer of vqfw.kinds hands them out.

wrong:  "quantizer": "fsq", "revival": "random_latents"
right:  "quantizer": "fsq"
""",
    "number": """
A number cannot be kept as it is written: it is no finite number, or a whole number beyond
9007199254740992, which most programs would round.

wrong:  "min_delta": NaN
wrong:  "weight": 1e400
right:  "weight": 1e4
""",
    "out-of-range": """
A number is outside the range in which the setting means anything.

wrong:  "quantizer": {"type": "ema", "decay": 1.5}
right:  "quantizer": {"type": "ema", "decay": 0.99}
""",
    "refused-by-component": """
The schema has nothing against the options of a component, but the component itself refuses
them when it is made. The message is its own. Only vqfw plan and vqfw run can find this,
because vqfw validate imports no component.

wrong:  "optimizer": {"type": "adam", "clipnorm": 1, "global_clipnorm": 1}
right:  "optimizer": {"type": "adam", "global_clipnorm": 1}
wrong:  {"type": "piecewise_constant_decay", "boundaries": [100, 200], "values": [1e-3, 1e-4]}
right:  {"type": "piecewise_constant_decay", "boundaries": [100], "values": [1e-3, 1e-4]}
""",
    "set": """
A --set argument has no path, no '=', or a path into a list that has no such item. A path
is made of keys and indices; the value is JSON, or else a string. The same paths are the
keys of "vary" and "arms" in a study.

wrong:  --set model.quantizer.decay 0.99
wrong:  --set losses[3].weight=0.5        (and there is one loss)
right:  --set model.quantizer.decay=0.99
right:  --set losses[0].weight=0.5
""",
    "size-mismatch": """
Sizes of images and networks do not fit each other: an encoder that halves an image twice
needs sides that can be divided by 4, and a quantizer that splits channels into groups
needs a number of channels that can be divided by theirs.

wrong:  "image_size": 65, "encoder": {"type": "residual_conv", "downsampling": 4}
right:  "image_size": 64, "encoder": {"type": "residual_conv", "downsampling": 4}
""",
    "syntax": """
The text is not JSON. Keys and strings stand in double quotes, true, false and null are
written in lower case, and values are separated by commas. Comments (// and /* */) and a
comma after the last value are allowed here.

wrong:  {'seed': 0, "crop": None}
right:  {"seed": 0, "crop": null}
""",
    "too-big": """
An experiment file has at most one MiB, and data belongs in files of its own. A study has
at most 1,000 runs.

wrong:  a file with a list of all images
right:  "dataset": {"type": "image_folder", "path": "faces"}
""",
    "out-of-bounds": """
A controller starts at a value that it may never take.

wrong:  "beta": {"type": "target_perplexity", "start": 8, "highest": 4}
right:  "beta": {"type": "target_perplexity", "start": 1, "highest": 4}
""",
    "too-deep": """
Brackets are nested more than 64 deep, which no experiment needs.

wrong:  [[[[ ... ]]]]
right:  "losses": [{"type": "mse"}]
""",
    "too-many-codes": """
A book has more codes than can be counted. Two books of 512 codes each say as much as one
of 262,144, and usage, perplexity and a prior over the tokens can follow them.

wrong:  "quantizer": {"type": "lfq", "bits": 36}
right:  "quantizer": {"type": "lfq", "bits": 36, "factors": 4}
""",
    "duplicate-component": """
The same component is listed twice. Terms of the loss, scores and trackers are
recorded under the names of their components, so one would hide the other. Augmentations
may repeat. In a study, two rows with the same settings are the same run.

wrong:  "losses": ["mse", "mae", "mse"]
right:  "losses": [{"type": "mse", "weight": 2}, "mae"]
""",
    "unknown-code": """
vqfw explain was asked for a problem code that there is not. A code stands in brackets
before each problem.

wrong:  vqfw explain unkown-key
right:  vqfw explain unknown-key
""",
    "unknown-component": """
No installed component of this kind has this name. The message lists those that there are;
a component of another package is available once the package is installed.

wrong:  "quantizer": "emma"
right:  "quantizer": "ema"
""",
    "unknown-key": """
A key that nothing reads. vqfw never ignores a key, because a misspelt one would leave a
default in force without a word. If the key is a setting of another component, the message
says of which one. For remarks of your own there are "notes" and comments.

wrong:  "quantizer": {"type": "ema", "num_embedings": 1024}
right:  "quantizer": {"type": "ema", "num_embeddings": 1024}
""",
    "unknown-score": """
A warning: "expected" names a score that this experiment does not compute, so it will be
compared with nothing.

wrong:  "expected": {"pnsr": 27.0}
right:  "expected": {"psnr": 27.0}
""",
    "upscaling": """
A warning: the pictures are cut out smaller than the images that the model sees, so they
are enlarged, and the model learns to reproduce interpolation.

wrong:  "data": {"dataset": "orl", "crop": 32, "image_size": 64}
right:  "data": {"dataset": "orl", "crop": 92, "image_size": 64}
""",
    "wrong-length": """
A list has too few or too many items.

wrong:  "losses": []
right:  "losses": ["mse"]
""",
    "wrong-slot": """
There is a component of this name, but of another kind than the one that stands here.

wrong:  "quantizer": "perturb_active"
right:  "quantizer": "ema", "revival": "perturb_active"
""",
    "wrong-order": """
An image augmentation, which changes PIL pictures on the host, stands behind one that changes
tensors inside the training step. Pictures are changed first, whatever the list says, so the
list has to say it. Only vqfw plan and vqfw run can find this, because vqfw validate imports
no component. Here "jpeg" is an image augmentation of another package:

wrong:  "augmentations": ["horizontal_flip", "jpeg"]
right:  "augmentations": ["jpeg", "horizontal_flip"]
""",
    "wrong-type": """
A value has the wrong type. Most often a number stands in quotes, or a list is missing its
brackets.

wrong:  "num_embeddings": "512"
right:  "num_embeddings": 512
wrong:  "losses": "mse"
right:  "losses": ["mse"]
""",
}

CODES: Mapping[str, str] = {
    code: f"{code}\n\n{text.strip()}" for code, text in sorted(_TEXTS.items())
}
"""The long help of every problem code, with a wrong and a right example."""


def explanation(code: str) -> str:
    """The long help of a problem code.

    Raises:
        ExperimentError: if there is no such code.
    """
    if code not in CODES:
        close = suggestions(code, CODES)
        help_ = f"did you mean {alternatives(close)}?" if close else "see the list"
        raise ExperimentError(
            [
                Problem(
                    "unknown-code",
                    f'no problem has the code "{code}"',
                    help=help_,
                    note=f"codes: {', '.join(sorted(CODES))}",
                )
            ]
        )
    return CODES[code]
