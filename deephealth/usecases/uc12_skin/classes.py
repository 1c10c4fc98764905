"""The one vocabulary of skin diagnoses: HAM10000's lower-case codes, plus ``scc`` of ISIC 2019."""

from __future__ import annotations

import re

__all__ = ["CLASSES", "LABEL_NAMES", "MALIGNANT", "UNKNOWN", "class_order", "normalise"]

CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")

LABEL_NAMES = {
    "akiec": "actinic keratosis or intraepithelial carcinoma (Bowen's disease)",
    "bcc": "basal cell carcinoma",
    "bkl": "benign keratosis (seborrhoeic keratosis, solar lentigo, lichen planus-like keratosis)",
    "df": "dermatofibroma",
    "mel": "melanoma",
    "nv": "melanocytic naevus",
    "vasc": "vascular lesion (angioma, angiokeratoma, pyogenic granuloma, haemorrhage)",
    "scc": "squamous cell carcinoma",
}

MALIGNANT = ("akiec", "bcc", "mel", "scc")

UNKNOWN = "unk"

# Spellings that were met in the wild, lower case and with single spaces, besides the codes themselves.
_ALIASES = {
    "ak": "akiec",
    "actinic keratosis": "akiec",
    "actinic keratoses": "akiec",
    "actinic keratoses and intraepithelial carcinoma": "akiec",
    "bowen's disease": "akiec",
    "bowen disease": "akiec",
    "intraepithelial carcinoma": "akiec",
    "basal cell carcinoma": "bcc",
    "bk": "bkl",
    "sk": "bkl",
    "benign keratosis": "bkl",
    "benign keratosis like lesions": "bkl",
    "benign keratosis like lesion": "bkl",
    "seborrheic keratosis": "bkl",
    "seborrhoeic keratosis": "bkl",
    "solar lentigo": "bkl",
    "lichen planus like keratosis": "bkl",
    "dermatofibroma": "df",
    "melanoma": "mel",
    "nevus": "nv",
    "naevus": "nv",
    "melanocytic nevus": "nv",
    "melanocytic naevus": "nv",
    "melanocytic nevi": "nv",
    "melanocytic naevi": "nv",
    "vasc": "vasc",
    "vascular": "vasc",
    "vascular lesion": "vasc",
    "vascular lesions": "vasc",
    "squamous cell carcinoma": "scc",
    "unk": UNKNOWN,
    "unknown": UNKNOWN,
    "none of the others": UNKNOWN,
}


def normalise(name: str) -> str | None:
    """Return the code of a class name in any known spelling, ``"unk"`` for the unknown class, or None.

    Example:
        >>> normalise("MEL"), normalise("AK"), normalise("Basal cell carcinoma"), normalise("wart")
        ('mel', 'akiec', 'bcc', None)
    """
    words = re.sub(r"[\s_\-]+", " ", name).strip().lower()
    return words if words in LABEL_NAMES else _ALIASES.get(words)


def class_order(found: set[str]) -> tuple[str, ...]:
    """Return the classes of a data set: the seven of HAM10000, and any further known one that was found.

    All seven are listed even where one has no image, so that networks of different data sets agree on their outputs.

    Example:
        >>> class_order({"mel", "scc"})
        ('akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc', 'scc')
    """
    return CLASSES + tuple(name for name in LABEL_NAMES if name in found and name not in CLASSES)
