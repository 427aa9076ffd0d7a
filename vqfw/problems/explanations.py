"""What each problem code means, at length, with a wrong and a right example.

``vqfw explain CODE`` prints it.
"""

from __future__ import annotations

from collections.abc import Mapping

from vqfw.errors import ExperimentError, Problem
from vqfw.suggestions import did_you_mean

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
    "conflicting-settings": """
Two settings are each valid and exclude each other.

wrong:  "training": {"steps": 1500, "epochs": 20}
right:  "training": {"steps": 1500}
wrong:  "data": {"dataset": "orl", "validation": 0.5, "test": 0.5}
right:  "data": {"dataset": "orl", "validation": 0.1, "test": 0.1}

A setting that comes from an extended file is taken back with null: "steps": null.
""",
    "duplicate-key": """
An object has the same key twice. Other JSON readers silently keep the last value.

wrong:  {"seed": 0, "seed": 1}
right:  {"seed": 1}
""",
    "not-utf-8": """
The file is not UTF-8. Save it as UTF-8, with or without a byte order mark.

wrong:  a file saved as UTF-16 or Latin-1
right:  the same text saved as UTF-8
""",
    "invalid-extends": """
"extends", and "experiment" in a study, name an experiment file, relative to the folder of
the file that names it, and in or below that folder: an experiment of someone else must not
read the rest of your disk. An extended file may extend another file, but not in a circle.

wrong:  "extends": "/home/me/base.json"
wrong:  "extends": "../base.json"
right:  "extends": "base.json"
""",
    "reset-to-default": """
A warning: "type" was changed, which removes the options of the former component. The new
component has an option of the same name, and it is at its default.

wrong:  --set model.quantizer.type=cosine        (and the file says "decay": 0.9)
right:  --set model.quantizer.type=cosine --set model.quantizer.decay=0.9
""",
    "image-too-small": """
A metric cannot be computed on images of this size: SSIM compares windows of 11 pixels.

wrong:  "data": {"dataset": "orl", "image_size": 8}, "evaluation": {"metrics": ["ssim"]}
right:  "data": {"dataset": "orl", "image_size": 64}, "evaluation": {"metrics": ["ssim"]}
""",
    "missing-file": """
The experiment file does not exist or cannot be read.

wrong:  vqfw validate experiment.jsn
right:  vqfw validate experiment.json
""",
    "missing-key": """
A setting without a default is missing. To see the components and their options:
vqfw plugins list, vqfw plugins show NAME.

wrong:  "data": {"image_size": 64}
right:  "data": {"dataset": "orl", "image_size": 64}
""",
    "missing-plugin": """
The experiment names a component of a package that is not installed.

wrong:  "quantizer": "vqfw-cosine/cosine"        (and vqfw-cosine is not installed)
right:  pip install vqfw-cosine
""",
    "warm-up-outlasts-training": """
The warm-up of a quantizer is longer than the training. Its codes are initialized at the end
of the warm-up, which the training does not reach.

wrong:  "quantizer": {"type": "ema", "warm_up": 2000}, "training": {"steps": 1500}
right:  "quantizer": {"type": "ema", "warm_up": 200}, "training": {"steps": 1500}
""",
    "schedule-outlasts-training": """
A warning: a schedule is longer than the training, so its end value is never reached.

wrong:  "beta": {"type": "linear", "steps": 5000}, "training": {"steps": 1500}
right:  "beta": {"type": "linear", "steps": 1000}, "training": {"steps": 1500}
""",
    "not-allowed": """
A setting takes one of a few values, and the value given is not one of them.

wrong:  "training": {"steps": 1500, "precision": "bfloat16"}
right:  "training": {"steps": 1500, "precision": "mixed_bfloat16"}
""",
    "revival-without-codebook": """
A warning: the quantizer has no learned codebook, so the revival strategy changes nothing.
The codes of fsq, lfq and bsq are fixed. A quantizer of your own gives access to its codebook
by deriving from vqfw.kinds.CodebookQuantizer.

wrong:  "quantizer": "fsq", "revival": "random_latents"
right:  "quantizer": "fsq"
""",
    "invalid-number": """
A number is not finite, or is a whole number beyond 9007199254740992, which most programs
would round.

wrong:  "min_delta": NaN
wrong:  "weight": 1e400
right:  "weight": 1e4
""",
    "out-of-range": """
A number is outside the range of its setting: a fixed range, or one that other settings of
the component give.

wrong:  "quantizer": {"type": "ema", "decay": 1.5}
right:  "quantizer": {"type": "ema", "decay": 0.99}
wrong:  "beta": {"type": "target_perplexity", "start": 8, "highest": 4}
right:  "beta": {"type": "target_perplexity", "start": 1, "highest": 4}
""",
    "refused-by-component": """
The options of a component are valid by the schema, but its constructor raises an error. The
message comes from the component. Only vqfw plan and vqfw run find this, because vqfw validate
imports no component.

wrong:  "optimizer": {"type": "adam", "clipnorm": 1, "global_clipnorm": 1}
right:  "optimizer": {"type": "adam", "global_clipnorm": 1}
wrong:  {"type": "piecewise_constant_decay", "boundaries": [100, 200], "values": [1e-3, 1e-4]}
right:  {"type": "piecewise_constant_decay", "boundaries": [100], "values": [1e-3, 1e-4]}
""",
    "invalid-override": """
A --set argument has no path, no '=', or a path to a list item that does not exist. A path
consists of keys and indices; the value is JSON, or else a string. The keys of "vary" and
"arms" in a study are such paths.

wrong:  --set model.quantizer.decay 0.99
wrong:  --set losses[3].weight=0.5        (and there is one loss)
right:  --set model.quantizer.decay=0.99
right:  --set losses[0].weight=0.5
""",
    "size-mismatch": """
The sizes of images and networks do not match: an encoder that halves an image twice
needs sides divisible by 4, and a quantizer that splits channels into groups needs a number of
channels divisible by the number of groups.

wrong:  "image_size": 65, "encoder": {"type": "residual_conv", "downsampling": 4}
right:  "image_size": 64, "encoder": {"type": "residual_conv", "downsampling": 4}
""",
    "invalid-json": """
The text is not JSON. Keys and strings are in double quotes, true, false and null are
in lower case, and values are separated by commas. Comments (// and /* */) and a
comma after the last value are allowed here.

wrong:  {'seed': 0, "crop": None}
right:  {"seed": 0, "crop": null}
""",
    "too-big": """
An experiment file has at most one MiB: keep data in other files. A study has at most 1,000
runs.

wrong:  a file with a list of all images
right:  "dataset": {"type": "image_folder", "path": "faces"}
""",
    "nested-too-deep": """
Brackets are nested more than 64 deep.

wrong:  [[[[ ... ]]]]
right:  "losses": [{"type": "mse"}]
""",
    "too-many-codes": """
A codebook has too many codes for usage and perplexity to be counted. Split it into factors:
two codebooks of 512 codes hold as many combinations as one of 262,144.

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
vqfw explain got a problem code that does not exist. Each problem is printed with its code in
brackets.

wrong:  vqfw explain unkown-key
right:  vqfw explain unknown-key
""",
    "unknown-component": """
No installed component of this kind has this name. The message lists the installed ones; a
component of another package is available once the package is installed.

wrong:  "quantizer": "emma"
right:  "quantizer": "ema"
""",
    "unknown-key": """
A key is not a setting of its object. vqfw never ignores a key, because a misspelt key would
silently leave the default in force. If the key is a setting of another component, the message
names that component. For remarks of your own, use "notes" or comments.

wrong:  "quantizer": {"type": "ema", "num_embedings": 1024}
right:  "quantizer": {"type": "ema", "num_embeddings": 1024}
""",
    "unknown-score": """
A warning: "expected" names a score that this experiment does not compute, so the value is
not compared.

wrong:  "expected": {"pnsr": 27.0}
right:  "expected": {"psnr": 27.0}
""",
    "upscaling": """
A warning: "crop" is smaller than "image_size", so images are enlarged and the model learns
to reproduce interpolation.

wrong:  "data": {"dataset": "orl", "crop": 32, "image_size": 64}
right:  "data": {"dataset": "orl", "crop": 92, "image_size": 64}
""",
    "wrong-length": """
A list has too few or too many items.

wrong:  "losses": []
right:  "losses": ["mse"]
""",
    "wrong-kind": """
A component of this name exists, but it is of another kind than this key takes.

wrong:  "quantizer": "perturb_active"
right:  "quantizer": "ema", "revival": "perturb_active"
""",
    "augmentation-order": """
An image augmentation, which changes PIL images on the host, is listed after one that changes
tensors inside the training step. PIL images are always changed first, so they are listed
first. Only vqfw plan and vqfw run find this, because vqfw validate imports no component. Here
"jpeg" is an image augmentation of another package:

wrong:  "augmentations": ["horizontal_flip", "jpeg"]
right:  "augmentations": ["jpeg", "horizontal_flip"]
""",
    "wrong-type": """
A value has the wrong type. Often a number is in quotes, or a list lacks its brackets.

wrong:  "num_embeddings": "512"
right:  "num_embeddings": 512
wrong:  "losses": "mse"
right:  "losses": ["mse"]
""",
}

RENAMED: Mapping[str, str] = {
    "conflict": "conflicting-settings",
    "encoding": "not-utf-8",
    "extends": "invalid-extends",
    "fallen": "reset-to-default",
    "never-placed": "warm-up-outlasts-training",
    "never-reached": "schedule-outlasts-training",
    "nothing-to-revive": "revival-without-codebook",
    "number": "invalid-number",
    "out-of-bounds": "out-of-range",
    "set": "invalid-override",
    "syntax": "invalid-json",
    "too-deep": "nested-too-deep",
    "twice": "duplicate-component",
    "wrong-order": "augmentation-order",
    "wrong-slot": "wrong-kind",
}
"""Codes of earlier versions, and their names now."""

CODES: Mapping[str, str] = {
    code: f"{code}\n\n{text.strip()}" for code, text in sorted(_TEXTS.items())
}
"""The long help of every problem code, with a wrong and a right example."""


def explanation(code: str) -> str:
    """The long help of a problem code; of a renamed one, with its new name.

    Raises:
        ExperimentError: if there is no such code.
    """
    if code in RENAMED:
        return f'"{code}" is now called "{RENAMED[code]}"\n\n{CODES[RENAMED[code]]}'
    if code not in CODES:
        raise ExperimentError(
            [
                Problem(
                    "unknown-code",
                    f'no problem has the code "{code}"',
                    help=did_you_mean(code, CODES) or "see the list",
                    note=f"codes: {', '.join(sorted(CODES))}",
                )
            ]
        )
    return CODES[code]
