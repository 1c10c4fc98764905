"""Containers of augmentations, and the factory that makes all of them from text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Self

from deephealth.core.errors import did_you_mean
from deephealth.ecvl.augmentations import chance, distortion, geometry, intensity, noise
from deephealth.ecvl.augmentations.base import Augmentation
from deephealth.ecvl.augmentations.param import AugmentationParam
from deephealth.ecvl.augmentations.text import Parameters, lines_of, read_parameters
from deephealth.ecvl.errors import EcvlError, EcvlValueError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc import draws
from deephealth.ecvl.strictness import is_strict

__all__ = ["AugmentationFactory", "OneOfAugmentationContainer", "SequentialAugmentationContainer"]

_END = "end"
_MAX_DEPTH = 50


class _Container(Augmentation):
    augs_: list[Augmentation]

    @classmethod
    def fromtext(cls, txt: str) -> Self:
        """Return the container that a text describes.

        Args:
            txt: the container's own parameters if it has any, then one augmentation per line, then ``end``.

        Raises:
            EcvlError: no ``end``, an unknown augmentation, or wrong parameters.
        """
        lines = _checked_lines(txt)
        made = cls.from_lines(next(lines, "") if cls._has_parameters() else "", lines)
        _nothing_left(cls.__name__, lines)
        return made

    @classmethod
    def from_lines(cls, head: str, lines: Iterator[str]) -> Self:
        """Return the container whose parameters are ``head``, and whose members are the lines up to ``end``."""
        made = cls.__new__(cls)
        parameters = read_parameters(cls.__name__, head)
        made.read(parameters)
        parameters.finish()
        made.augs_ = []
        for line in lines:
            if line == _END:
                return made
            made.augs_.append(_from_line(line, lines))
        raise EcvlError(f"{cls.__name__}: the description stops without '{_END}'", hint=f"close it with '{_END}'")

    @classmethod
    def _has_parameters(cls) -> bool:
        return False


class SequentialAugmentationContainer(_Container):
    r"""Apply augmentations one after the other.

    Args:
        augs: the augmentations.

    Example:
        >>> SequentialAugmentationContainer.fromtext("AugFlip p=0.2\nAugMirror p=0.4\nend").augs_
        [AugFlip(p=[0, 1]), AugMirror(p=[0, 1])]
    """

    def __init__(self, augs: Sequence[Augmentation]) -> None:
        self.augs_ = _checked(augs)

    def read(self, parameters: Parameters) -> None:
        """Take nothing out of a text: there are no parameters."""

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Apply all, in order."""
        for augmentation in self.augs_:
            augmentation.Apply(img, gt)


class OneOfAugmentationContainer(_Container):
    """Pick one augmentation at random, and apply it with a probability.

    Args:
        p: probability that the one picked is applied.
        augs: the augmentations.
    """

    def __init__(self, p: float, augs: Sequence[Augmentation]) -> None:
        self.augs_ = _checked(augs)
        self.p_ = float(p)
        self.ranges["p"] = AugmentationParam(0, 1)

    def read(self, parameters: Parameters) -> None:
        """Take ``p`` out of a text; in strict mode it has no effect, as in the original."""
        self.p_ = parameters.take("p", "number", required=True)
        self.ranges["p"] = AugmentationParam(0, 0 if is_strict() else 1)

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Apply one, or none."""
        if not self.augs_:
            return
        at = int(draws.current().integers(len(self.augs_)))
        if values["p"] <= self.p_:
            self.augs_[at].Apply(img, gt)

    @classmethod
    def _has_parameters(cls) -> bool:
        return True


class AugmentationFactory:
    """Makes augmentations from text.

    Example:
        >>> AugmentationFactory.create("AugRotate angle=[-5,5]")
        AugRotate(angle=[-5, 5])
        >>> AugmentationFactory.create("AugRotate", "angle=[-5,5]")
        AugRotate(angle=[-5, 5])
    """

    @staticmethod
    def create(s1: str, s2: str | None = None) -> Augmentation:
        """Return the augmentation or container that a text describes.

        Args:
            s1: the whole text; or, with ``s2``, the name alone.
            s2: the parameters.

        Raises:
            EcvlError: an unknown augmentation or parameter (the nearest is named), or a malformed text.
        """
        if s2 is not None:
            s1 = f"{s1}\n{s2}" if s1.strip() in _CONTAINERS and not _takes_head(s1.strip()) else f"{s1} {s2}"
        lines = _checked_lines(s1)
        first = next(lines, "")
        if not first:
            raise EcvlError("the description of the augmentation is empty", allowed="its name and its parameters")
        made = _from_line(first, lines)
        _nothing_left(first.split()[0], lines)
        return made


_CONTAINERS: dict[str, type[_Container]] = {
    kind.__name__: kind for kind in (SequentialAugmentationContainer, OneOfAugmentationContainer)
}
_KNOWN: dict[str, type[Augmentation]] = {
    name: getattr(module, name)
    for module in (chance, distortion, geometry, intensity, noise)
    for name in module.__all__
}


def _checked_lines(text: str) -> Iterator[str]:
    """Return the lines of a description, refused if containers are nested beyond all reason."""
    lines, depth = list(lines_of(text)), 0
    for line in lines:
        depth += (line.split()[0] in _CONTAINERS) - (line == _END)
        if depth > _MAX_DEPTH:
            raise EcvlError(f"containers are nested more than {_MAX_DEPTH} deep", hint="close each with 'end'")
    return iter(lines)


def _takes_head(name: str) -> bool:
    return _CONTAINERS[name] is OneOfAugmentationContainer


def _from_line(line: str, more: Iterator[str]) -> Augmentation:
    name, _, parameters = line.partition(" ")
    if name in _CONTAINERS:
        head = parameters
        if not head.strip() and _takes_head(name):
            head = next(more, "")
        return _CONTAINERS[name].from_lines(head, more)
    if name not in _KNOWN:
        raise EcvlError(f"unknown augmentation '{name}'", hint=did_you_mean(name, [*_KNOWN, *_CONTAINERS]))
    return _KNOWN[name].fromtext(parameters)


def _nothing_left(owner: str, lines: Iterator[str]) -> None:
    line = next(lines, None)
    if line is not None and not is_strict():
        raise EcvlError(f"{owner}: '{line}' stands after the end", hint="put it before 'end', or take it away")


def _checked(augs: Sequence[Augmentation]) -> list[Augmentation]:
    wrong = [entry for entry in augs if not hasattr(entry, "Apply")]
    if wrong:
        raise EcvlValueError(f"{wrong[0]!r} is no augmentation", allowed="objects with Apply(img, gt)")
    return list(augs)
