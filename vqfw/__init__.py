"""Vector-quantized image autoencoders on Keras 3, assembled from plugins by one file.

    import vqfw

    experiment = vqfw.load("experiments/experiment.json")     # or a mapping; checked here
    run = experiment.set({"training.steps": 200}).run()       # trains, scores, records
    run = experiment.run(images=array, groups=names)          # the same on an array
    run = vqfw.open_run("latest")                             # the last run, later

    run.scores["test"]["psnr"]["value"]                       # and "interval"
    run.history["step"], run.history["loss"]                  # NumPy columns, to plot
    faces = run.images("test").pixels                         # uint8 (n, height, width, channels)
    tokens = run.encode(faces)                                # codes: np.array(tokens), to edit
    pictures = run.decode(tokens)                             # uint8, as faces
    run.model                                                 # a keras.Model: floats in [0, 1]

``load`` reads and checks an experiment, ``open_run`` finds a run, ``compare`` shows runs
side by side, ``components("quantizer")`` lists the components of a kind, and
``describe("quantizer/ema")`` the options of one.

``help(vqfw.load)``, ``help(vqfw.Experiment)`` and ``help(vqfw.Run)`` go on from here. Keras
is imported when a model is needed; a name of this package, when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqfw.api import *  # noqa: F403


def __getattr__(name: str) -> Any:
    """Looks a public name up in ``vqfw.api``; ``__all__`` is the list of them."""
    if name != "__all__" and (name.startswith("_") or find_spec(f"vqfw.{name}")):
        raise AttributeError(name)  # Python imports a module of the package itself
    api = import_module("vqfw.api")
    if name == "__all__" or name in api.__all__:
        return getattr(api, name)
    raise AttributeError(f"vqfw has no {name!r}: it offers {', '.join(api.__all__)}")


def __dir__() -> list[str]:
    return [*import_module("vqfw.api").__all__]
