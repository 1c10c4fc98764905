"""The ECVL face's picture operations against OpenCV, torchvision v2, kornia and albumentations.

Each peer does the same operation on the same 512 x 512 x 3 picture of bytes, in the form it works on: H x W x C for
OpenCV, albumentations and the ECVL face (as a codec leaves an image), C x H x W bytes for torchvision, and floats for
kornia (made beforehand: it can't work on bytes). The mean difference in grey levels, away from the border, must stay
below the case's tolerance, or the peer is left out. Random operations differ by nature; only sizes are compared there.
The goal: geometric mean at least 1.0 times the fastest peer, no operation below 0.7, at least 3 times torchvision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from picture_operations import NAMES, Case, cases
from row import Row

SIZE = 512
FRAME = 8  # pixels at the border that are not compared: peers disagree about what lies outside


def case_of(name: str) -> Case:
    """Return one operation, prepared."""
    return next(case for case in cases(SIZE) if case.name == name)


def far_off(case: Case) -> dict[str, float]:
    """Return how far each peer is from ours, mean grey levels."""
    wanted = np.asarray(case.ours())
    pictures = {name: case.picture(name, call()) for name, call in case.peers.items()}
    return {name: distance(wanted, found, sizes_only=case.tolerance is None) for name, found in pictures.items()}


def peers_of(name: str) -> dict[str, Callable[[], Any]]:
    """Return who does one operation: those whose results are ours."""
    case = case_of(name)
    allowed = case.tolerance if case.tolerance is not None else math.inf
    fitting = {peer: case.peers[peer] for peer, far in far_off(case).items() if far <= allowed}
    return {"deephealth": case.ours_timed, **fitting}


def distance(ours: np.ndarray, theirs: np.ndarray, *, sizes_only: bool) -> float:
    """Return the mean difference in grey levels, infinite for other sizes."""
    if ours.size != theirs.size:
        return math.inf
    if sizes_only:
        return 0.0
    difference = np.abs(ours.astype(np.float64) - theirs.reshape(ours.shape))
    inner = difference[FRAME:-FRAME, FRAME:-FRAME] if min(difference.shape[:2], default=0) > 2 * FRAME else difference
    return float(inner.mean())


def said(name: str, found: Mapping[str, Any]) -> str:
    """Return how far the peers are off, and which were left out."""
    case = case_of(name)
    if case.tolerance is None:
        return "random: sizes equal"
    far = far_off(case)
    out = [f"{peer} left out ({value:.2g} levels away)" for peer, value in far.items() if peer not in found]
    kept = max((value for peer, value in far.items() if peer in found), default=0.0)
    return "; ".join([f"within {kept:.2g} grey levels on average", *out])


def row(name: str) -> Row:
    """Return the row of one operation."""
    return Row(
        name=f"picture-{name.lower().replace(' ', '-')}",
        title=f"{name}, {SIZE} x {SIZE} x 3",
        peers=lambda: peers_of(name),
        check=lambda found: said(name, found),
        goals=dict.fromkeys(("opencv", "torchvision", "kornia", "albumentations"), 0.7),
        group="picture operations",
        apart=False,
        threads=(1,),
        packages=("opencv-python-headless", "torchvision"),
    )


ROWS = [row(name) for name in NAMES]
