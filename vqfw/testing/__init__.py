"""The contracts as checks that any plugin author can run.

    from vqfw.testing import parametrize_with_checks

    @parametrize_with_checks("quantizer", [lambda: Cosine(num_embeddings=16)])
    def test_keeps_the_contract(check, factory):
        check(factory)

``vqfw plugins check`` runs them on a component by its name. Every check is a plain
function, so it can be called without pytest too. They run on the backend that
``KERAS_BACKEND`` names, on tensors so small that a minute is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vqfw.testing.check import Check, Factory

if TYPE_CHECKING:
    import pytest

__all__ = [
    "Check",
    "Factory",
    "checks",
    "general_checks",
    "kinds",
    "parametrize_with_checks",
]

_HOME = {
    "augmentation": ("augmentation", "CHECKS"),
    "beta": ("beta", "CHECKS"),
    "dataset": ("dataset", "CHECKS"),
    "decoder": ("network", "DECODER_CHECKS"),
    "encoder": ("network", "ENCODER_CHECKS"),
    "loss": ("loss", "CHECKS"),
    "metric": ("metric", "CHECKS"),
    "model": ("model", "CHECKS"),
    "observer": ("observer", "CHECKS"),
    "quantizer": ("quantizer", "CHECKS"),
    "revival": ("revival", "CHECKS"),
    "tracker": ("tracker", "CHECKS"),
}


def kinds() -> tuple[str, ...]:
    """The kinds of component that there are checks for, and the observer."""
    return tuple(_HOME)


def checks(kind: str, factory: Factory | None = None) -> tuple[Check, ...]:
    """The checks of a kind of component, beside the general ones.

    Args:
        kind: ``augmentation``, ``beta``, ``dataset``, ``decoder``, ``encoder``, ``loss``,
            ``metric``, ``model``, ``observer``, ``quantizer``, ``revival`` or ``tracker``.
        factory: of the component, or its class; without it an augmentation gets the
            checks of tensor augmentations and not of image augmentations.

    Raises:
        ValueError: if there are none for this kind.
    """
    if kind not in _HOME:
        raise ValueError(
            f'there are no checks for kind "{kind}": choose one of {", ".join(_HOME)}'
        )
    module, name = _HOME[kind]
    if kind == "augmentation" and factory is not None and _changes_pictures(factory):
        module = "image_augmentation"
    found: tuple[Check, ...] = getattr(import_module(f"vqfw.testing.{module}"), name)
    return found


def general_checks() -> tuple[Check, ...]:
    """The checks that every component passes, whatever its kind."""
    from vqfw.testing.anything import CHECKS

    return CHECKS


def parametrize_with_checks(
    kind: str, factories: Sequence[Factory]
) -> pytest.MarkDecorator:
    """Decorates a pytest function of ``(check, factory)``: once a check and factory.

    Args:
        kind: as in ``checks``.
        factories: each makes a fresh component; its name becomes part of the test's.
    """
    import pytest

    cases: list[Any] = [
        pytest.param(_settled(check), factory, id=f"{_name(factory)}-{check.__name__}")
        for factory in factories
        for check in (*general_checks(), *checks(kind, factory))
    ]
    return pytest.mark.parametrize(("check", "factory"), cases)


def _settled(check: Check) -> Check:
    """A check under default settings of Keras, which are restored after it."""

    @wraps(check)
    def settled(factory: Factory) -> str | None:
        from vqfw.assembly.backend import settled_keras

        with settled_keras():
            return check(factory)

    return settled


def _changes_pictures(factory: Factory) -> bool:
    from vqfw.kinds import ImageAugmentation

    made = factory if isinstance(factory, type) else type(factory())
    return issubclass(made, ImageAugmentation)


def _name(factory: Factory) -> str:
    if isinstance(factory, partial):
        return _name(factory.func)
    return getattr(factory, "__name__", type(factory).__name__)
