"""How each diagnosis looks under the dermoscope, as ranges that a lesion is drawn from.

After the criteria of pattern analysis (Argenziano et al., J Am Acad Dermatol 48:679, 2003) and of the revised pattern
analysis of Kittler; the numbers are ours, set by eye against real images.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

__all__ = ["Look", "draw_look"]


@dataclass(frozen=True, slots=True)
class Look:
    """One lesion's appearance. Amounts are optical densities or weights from 0; lengths are parts of the radius.

    Args:
        size: radius, part of the image's shorter side.
        stretch: longer over shorter axis.
        lobes: amplitude of the contour's low harmonics.
        jags: how far the border wanders at small scale.
        softness: width of the border's ramp.
        asymmetry: difference of pigment between the two halves.
        variegation: patchiness of the pigment.
        melanin: brown pigment.
        blood: redness.
        veil: blue-white veil.
        regression: white scar with blue-grey pepper.
        network: reticular pigment lines.
        rim: how far the network keeps to the border.
        globules: brown globules.
        dots: black dots, irregular.
        streaks: radial streaks at the border.
        milia: milia-like white dots.
        plugs: dark comedo-like openings.
        waxy: yellow, waxy tint.
        follicles: strawberry pattern, white follicles in red.
        scale: white-yellow surface scale.
        scar: central white patch.
        vessels: arborising vessels.
        nests: blue-grey ovoid nests.
        ulcer: erosion.
        lacunae: red-purple lagoons.
        purple: how dark and blue the lagoons are.
    """

    size: float
    stretch: float
    lobes: float
    jags: float
    softness: float
    asymmetry: float
    variegation: float
    melanin: float
    blood: float
    veil: float
    regression: float
    network: float
    rim: float
    globules: float
    dots: float
    streaks: float
    milia: float
    plugs: float
    waxy: float
    follicles: float
    scale: float
    scar: float
    vessels: float
    nests: float
    ulcer: float
    lacunae: float
    purple: float


_FIELDS = tuple(field.name for field in fields(Look))

_RANGES: dict[str, dict[str, tuple[float, float]]] = {
    "nv": {
        "size": (0.2, 0.52), "stretch": (1.0, 1.35), "lobes": (0.02, 0.1), "jags": (0.01, 0.07),
        "softness": (0.08, 0.22), "asymmetry": (0, 0.15), "variegation": (0.05, 0.25), "melanin": (0.45, 1.5),
        "blood": (0.05, 0.4), "network": (0.2, 0.7), "rim": (0, 0.4), "globules": (0, 0.5), "dots": (0, 0.1),
    },
    "mel": {
        "size": (0.22, 0.55), "stretch": (1.0, 1.6), "lobes": (0.08, 0.22), "jags": (0.04, 0.11),
        "softness": (0.06, 0.2), "asymmetry": (0.25, 0.8), "variegation": (0.35, 0.75), "melanin": (0.5, 1.7),
        "blood": (0.1, 0.5), "veil": (0.1, 0.9), "regression": (0, 0.8), "network": (0.1, 0.7), "rim": (0, 0.6),
        "globules": (0, 0.5), "dots": (0.2, 1), "streaks": (0, 0.8),
    },
    "bcc": {
        "size": (0.16, 0.5), "stretch": (1.0, 1.5), "lobes": (0.06, 0.18), "jags": (0.03, 0.12),
        "softness": (0.12, 0.35), "asymmetry": (0, 0.3), "variegation": (0.1, 0.4), "melanin": (0, 0.15),
        "blood": (0.12, 0.4), "vessels": (0.5, 1), "nests": (0, 1), "ulcer": (0, 0.8), "scar": (0, 0.3),
        "milia": (0, 0.1),
    },
    "bkl": {
        "size": (0.16, 0.5), "stretch": (1.0, 1.5), "lobes": (0.06, 0.18), "jags": (0.03, 0.1),
        "softness": (0.04, 0.12), "asymmetry": (0, 0.3), "variegation": (0.3, 0.7), "melanin": (0.25, 1.1),
        "blood": (0, 0.2), "waxy": (0.1, 0.45), "milia": (0.2, 1), "plugs": (0.1, 1), "globules": (0, 0.2),
        "network": (0, 0.25),
    },
    "akiec": {
        "size": (0.22, 0.5), "stretch": (1.0, 1.5), "lobes": (0.08, 0.2), "jags": (0.04, 0.1),
        "softness": (0.25, 0.55), "asymmetry": (0, 0.3), "variegation": (0.2, 0.5), "melanin": (0.02, 0.3),
        "blood": (0.15, 0.5), "follicles": (0.2, 0.9), "scale": (0.1, 0.9), "dots": (0, 0.15),
    },
    "df": {
        "size": (0.18, 0.42), "stretch": (1.0, 1.25), "lobes": (0.02, 0.08), "jags": (0.01, 0.05),
        "softness": (0.2, 0.45), "asymmetry": (0, 0.12), "variegation": (0.05, 0.25), "melanin": (0.2, 0.6),
        "blood": (0.15, 0.45), "network": (0.3, 0.8), "rim": (0.8, 1), "scar": (0.5, 1),
    },
    "vasc": {
        "size": (0.1, 0.36), "stretch": (1.0, 1.4), "lobes": (0.03, 0.14), "jags": (0.01, 0.06),
        "softness": (0.04, 0.14), "asymmetry": (0, 0.2), "variegation": (0.05, 0.3), "melanin": (0, 0.03),
        "blood": (0.45, 0.9), "lacunae": (0.5, 1), "purple": (0, 1),
    },
}  # fmt: skip

# What each is mistaken for in practice.
_CONFUSED = {
    "nv": ("mel", "bkl", "df"),
    "mel": ("nv", "bkl", "nv"),
    "bcc": ("akiec", "df", "bkl"),
    "bkl": ("mel", "nv", "akiec"),
    "akiec": ("bcc", "bkl", "bcc"),
    "df": ("nv", "bcc", "nv"),
    "vasc": ("bcc", "nv", "mel"),
}


def draw_look(rng: np.random.Generator, label: str, hardness: float) -> Look:
    """Draw the appearance of one lesion.

    Args:
        rng: where the numbers come from.
        label: class code.
        hardness: 0 keeps every lesion typical; at 1 many look half like a class they are mistaken for.
    """
    own = _draw(rng, label)
    other = _draw(rng, str(rng.choice(_CONFUSED[label])))
    weight = 0.75 * hardness * float(rng.beta(1.2, 2.2))
    mixed = {name: own[name] + weight * (other[name] - own[name]) for name in _FIELDS}
    return Look(**mixed | {"size": own["size"]})


def _draw(rng: np.random.Generator, label: str) -> dict[str, float]:
    ranges = _RANGES[label]
    return {name: float(rng.uniform(*ranges.get(name, (0.0, 0.0)))) for name in _FIELDS}
