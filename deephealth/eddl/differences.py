"""Every known quirk of the original EDDL, and what becomes of it here: data for the documentation and the tests.

Stances: ``KEEP``: unusual but meant, the same in both modes; ``FIX``: the original is wrong, right by default and wrong
again in strict mode; ``LIFT``: the original refuses or crashes, here it works in both modes; ``REPLACE``: hardware or
services that are not supported, with something else in their place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deephealth.eddl.differences_fixed import FIXED
from deephealth.eddl.differences_kept import KEPT
from deephealth.eddl.differences_lifted import LIFTED, REPLACED

__all__ = ["DIFFERENCES", "Difference", "Stance", "differences_of", "status_of"]

Stance = Literal["KEEP", "FIX", "LIFT", "REPLACE"]
Status = Literal["same", "fixed", "lifted", "replaced"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One quirk.

    Args:
        name: its short name.
        stance: what is done about it.
        original: what the original did.
        default: what this package does.
        strict: what it does in strict mode.
        names: functions, classes and ``Tensor.`` methods that it concerns.
    """

    name: str
    stance: Stance
    original: str
    default: str
    strict: str
    names: tuple[str, ...]


def _records() -> tuple[Difference, ...]:
    fixed = [Difference(n, "FIX", o, d, "As the original.", tuple(f.split())) for n, o, d, f in FIXED]
    kept = [Difference(n, "KEEP", o, "The same.", "The same.", tuple(f.split())) for n, o, f in KEPT]
    lifted = [Difference(n, "LIFT", o, d, "As by default.", tuple(f.split())) for n, o, d, f in LIFTED]
    replaced = [Difference(n, "REPLACE", o, d, "As by default.", tuple(f.split())) for n, o, d, f in REPLACED]
    return (*fixed, *lifted, *replaced, *kept)


DIFFERENCES: tuple[Difference, ...] = _records()


def differences_of(name: str) -> tuple[Difference, ...]:
    """Return the quirks that concern a name.

    Args:
        name: such as ``"rmsprop"`` or ``"Tensor.round"``.

    Example:
        >>> [difference.stance for difference in differences_of("rmsprop")]
        ['FIX', 'FIX']
    """
    return tuple(difference for difference in DIFFERENCES if name in difference.names)


def status_of(name: str) -> Status:
    """Return in one word how a name compares with the original.

    Example:
        >>> status_of("ReLu"), status_of("adagrad"), status_of("ConvT2D"), status_of("CS_FPGA")
        ('same', 'fixed', 'lifted', 'replaced')
    """
    stances = {difference.stance for difference in differences_of(name)}
    if "REPLACE" in stances:
        return "replaced"
    if "LIFT" in stances:
        return "lifted"
    return "fixed" if "FIX" in stances else "same"
