"""One sample of a data set: its files, its label, and the way from the file to an image of the colour asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.ecvl.dataset.loading import read_as, read_stack
from deephealth.ecvl.enums import ColorType
from deephealth.ecvl.errors import EcvlDataError

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["Sample"]


class Sample:
    """A sample of a data set.

    Args:
        location: its files; more than one for several acquisitions of the same thing.
        label: class indices; ``None`` without a label.
        label_path: the ground-truth image.
        values: position in the data set's features -> text.

    Example:
        >>> sample = Sample(["lesion.png"], [2])
        >>> sample.location_, sample.label_, sample.size_
        (['lesion.png'], [2], [])
    """

    __slots__ = ("_label_path", "_location", "label_", "size_", "values_")

    def __init__(
        self,
        location: Iterable[str | Path] = (),
        label: Iterable[int] | None = None,
        label_path: str | Path | None = None,
        values: Mapping[int, str] | None = None,
    ) -> None:
        self.location_ = list(location)  # type: ignore[assignment]
        self.label_: list[int] | None = None if label is None else list(label)
        self.label_path_ = label_path  # type: ignore[assignment]
        self.values_: dict[int, str] | None = None if values is None else dict(values)
        self.size_: list[int] = []

    @property
    def location_(self) -> list[str]:
        """Paths of the files."""
        return self._location

    @location_.setter
    def location_(self, value: Iterable[str | Path]) -> None:
        if isinstance(value, str):
            raise TypeError(f"location_ is a list of paths, and {value!r} is one path: write [{value!r}]")
        self._location = [str(path) for path in value]

    @property
    def label_path_(self) -> str | None:
        """Path of the ground-truth image."""
        return self._label_path

    @label_path_.setter
    def label_path_(self, value: str | Path | None) -> None:
        self._label_path = None if value is None else str(value)

    def LoadImage(self, ctype: ColorType | int = ColorType.RGB, is_gt: bool = False) -> Image:
        """Return the sample's image, or its ground truth.

        Several locations become one image with a third axis ``o``. The first load sets ``size_``: width, height.

        Args:
            ctype: colour space of the result; ``none`` leaves it as the file has it. What has no colours (a NIfTI
                volume, a stack) is left as it is, too.
            is_gt: read ``label_path_`` instead of ``location_``.

        Raises:
            EcvlDataError: no such file, one that can't be read, an address, or no ground truth.
        """
        ctype = ColorType(ctype)
        if is_gt:
            if self._label_path is None:
                raise EcvlDataError(
                    f"the sample {self.name} has no ground truth",
                    hint="give it a label_path_, or load it with is_gt=False",
                )
            image = read_as(self._label_path, ctype)
        elif len(self._location) == 1:
            image = read_as(self._location[0], ctype)
        else:
            image = read_stack(self._location, ctype)
        if not self.size_:
            self.size_ = [image.Width(), image.Height()]
        return image

    @property
    def name(self) -> str:
        """The first file's path, for messages."""
        return f"'{self._location[0]}'" if self._location else "without location"

    def __repr__(self) -> str:
        label = self.label_ if self.label_ is not None else self._label_path
        return f"<Sample {', '.join(self._location) or 'without location'}: {label}>"
