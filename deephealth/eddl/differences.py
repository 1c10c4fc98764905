"""Every known quirk of the original EDDL, and what becomes of it here: data for the documentation and the tests."""

from __future__ import annotations

from deephealth.core.legacy import Difference, Status, status_among
from deephealth.eddl.differences_fixed import FIXED
from deephealth.eddl.differences_kept import KEPT
from deephealth.eddl.differences_lifted import LIFTED, REPLACED

__all__ = ["DIFFERENCES", "differences_of", "status_of"]


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
    return status_among(differences_of(name))
