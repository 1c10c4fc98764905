"""What all augmentations share: random parameters, application to an image and its ground truth, the text form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from deephealth.ecvl.augmentations.param import AugmentationParam
from deephealth.ecvl.augmentations.text import Parameters, lines_of, read_parameters
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc import draws

__all__ = ["Augmentation"]


class _TextConstructible(type):
    """A class whose call with one text alone is :meth:`Augmentation.fromtext`, as in the original's raw module."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], str) and not kwargs:
            return cls.fromtext(args[0])  # type: ignore[attr-defined]
        return super().__call__(*args, **kwargs)


class Augmentation(metaclass=_TextConstructible):
    """An augmentation. Subclasses override :meth:`RealApply`, and may fill ``self.ranges`` with random parameters.

    One object may be applied in several threads at once: what is drawn belongs to the call.

    Example:
        >>> class AddOne(Augmentation):
        ...     def RealApply(self, img, gt=None):
        ...         img.Add(1)
        >>> image = Image([2, 2, 1], 6, "xyc", 1)
        >>> AddOne().Apply(image)
        >>> int(image.pixels.max())
        1
    """

    ranges: dict[str, AugmentationParam]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make an object whose constructor may be skipped, as :meth:`fromtext` does."""
        made = super().__new__(cls)
        made.ranges = {}
        return made

    @property
    def params_(self) -> dict[str, AugmentationParam]:
        """The random parameters by name, as a copy; each holds the value of the last application."""
        return dict(self.ranges)

    def Apply(self, img: Image, gt: Image | None = None) -> None:
        """Draw the parameters and change the image, and its ground truth where the augmentation moves pixels.

        Args:
            img: the image, changed in place.
            gt: ground truth, changed in place; ``None`` or an empty image for none.
        """
        rng = draws.current()
        values = {name: float(rng.uniform(param.min_, param.max_)) for name, param in self.ranges.items()}
        for name, value in values.items():
            self.ranges[name].value_ = value
        self.transform(img, None if gt is None or gt.IsEmpty() else gt, values)

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Change the image with the values drawn; by default through :meth:`RealApply`."""
        self.RealApply(img, gt)

    def RealApply(self, img: Image, gt: Image | None = None) -> None:
        """Change the image in place; for subclasses.

        Raises:
            NotImplementedError: the subclass overrides neither this nor :meth:`transform`.
        """
        msg = f"{type(self).__name__} must override RealApply(img, gt)"
        raise NotImplementedError(msg)

    @classmethod
    def fromtext(cls, txt: str) -> Self:
        """Return the augmentation that a text describes.

        Args:
            txt: the parameters, such as ``"angle=[-5,5]"``, without the name of the augmentation.

        Raises:
            EcvlError: a missing or unknown parameter, or one of another kind.
        """
        made = cls.__new__(cls)
        lines = list(lines_of(txt))
        if len(lines) > 1:
            raise EcvlError(f"{cls.__name__}: {len(lines)} lines of parameters", allowed="all of them on one line")
        parameters = read_parameters(cls.__name__, "".join(lines))
        made.read(parameters)
        parameters.finish()
        return made

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text; subclasses with a text form override it.

        Raises:
            NotImplementedError: the subclass has no text form.
        """
        msg = f"{type(self).__name__} has no text form"
        raise NotImplementedError(msg)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}=[{param.min_:g}, {param.max_:g}]" for name, param in self.ranges.items())
        return f"{type(self).__name__}({shown})"
