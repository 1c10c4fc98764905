"""Where a device writes on its pictures: by what the header says of the device, and by ultrasound regions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["NOWHERE", "Places", "Signature", "places_of", "signatures"]

Rectangle: TypeAlias = tuple[int, int, int, int]
_TABLE = Path(__file__).with_name("devices.tsv")
_ANY = "*"
_MOST_INSIDE = 0.5  # share of a box inside the regions up to which it counts as outside


@dataclass(frozen=True, slots=True)
class Places:
    """Where writing is expected.

    Args:
        banners: rectangles (x0, y0, x1, y1) in pixels; the last column and row are outside.
        regions: rectangles of ultrasound data; outside all of them is what the machine wrote. None: nothing is known.

    Example:
        >>> places = Places(banners=((0, 0, 640, 50),), regions=((100, 60, 540, 470),))
        >>> places.hold(10, 5, 200, 30), places.hold(200, 200, 300, 220), places.hold(5, 200, 60, 220)
        (True, False, True)
    """

    banners: tuple[Rectangle, ...] = ()
    regions: tuple[Rectangle, ...] = ()

    def hold(self, x0: int, y0: int, x1: int, y1: int) -> bool:
        """Whether most of a box lies where writing is expected."""
        box = (x0, y0, x1, y1)
        if any(_share(box, banner) > _MOST_INSIDE for banner in self.banners):
            return True
        return bool(self.regions) and all(_share(box, region) < _MOST_INSIDE for region in self.regions)


NOWHERE = Places()


@dataclass(frozen=True, slots=True)
class Signature:
    """One row of the table of devices.

    Args:
        name: what it describes.
        wanted: words for modality, SOP class, manufacturer, model and image type; empty where anything will do.
        size: rows and columns; 0 where anything will do.
        places: rectangles in shares of the picture.
    """

    name: str
    wanted: tuple[tuple[str, ...], ...]
    size: tuple[int, int]
    places: tuple[tuple[float, float, float, float], ...]

    def fits(self, said: tuple[str, str, str, str], kinds: frozenset[str], size: tuple[int, int]) -> bool:
        """Whether an object is by such a device; ``said`` holds modality, SOP class, manufacturer and model."""
        modality, sop_class, manufacturer, model = said
        modalities, classes, makers, models, images = self.wanted
        return (
            (not modalities or modality in modalities)
            and (not classes or sop_class.startswith(classes))
            and (not makers or any(word in manufacturer for word in makers))
            and (not models or any(word in model for word in models))
            and (not images or not kinds.isdisjoint(images))
            and all(not one or one == other for one, other in zip(self.size, size, strict=True))
        )


@cache
def signatures() -> tuple[Signature, ...]:
    """Return the table of devices, read once."""
    lines = [line for line in _TABLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return tuple(_signature(line.split("\t")) for line in lines[1:])


def places_of(dataset: Dataset, regions: Iterable[Rectangle] = ()) -> Places:
    """Return where the device of an object is known to write.

    Args:
        dataset: its header.
        regions: ultrasound regions, in pixels.
    """
    try:
        rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    except (TypeError, ValueError):
        return Places((), tuple(regions))
    words = tuple(str(dataset.get(keyword, "") or "").strip().lower() for keyword in _KEYWORDS)
    said = (words[0], words[1], words[2] + " ", words[3])
    image_type = dataset.get("ImageType") or ()
    kinds = frozenset(
        str(kind).strip().lower() for kind in ([image_type] if isinstance(image_type, str) else image_type)
    )
    found = [place for one in signatures() if one.fits(said, kinds, (rows, columns)) for place in one.places]
    banners = dict.fromkeys(
        (int(x0 * columns), int(y0 * rows), -int(-x1 * columns), -int(-y1 * rows)) for x0, y0, x1, y1 in found
    )
    return Places(tuple(banners), tuple(regions))


_KEYWORDS = ("Modality", "SOPClassUID", "Manufacturer", "ManufacturerModelName")


def _signature(cells: list[str]) -> Signature:
    name, *wanted, rows, columns, places = cells
    return Signature(
        name,
        tuple(() if cell == _ANY else tuple(cell.lower().split("|")) for cell in wanted),
        (0 if rows == _ANY else int(rows), 0 if columns == _ANY else int(columns)),
        tuple(_rectangle(place) for place in places.split(";")),
    )


def _rectangle(text: str) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(value) for value in text.split(","))
    return x0, y0, x1, y1


def _share(box: Rectangle, other: Rectangle) -> float:
    width, height = min(box[2], other[2]) - max(box[0], other[0]), min(box[3], other[3]) - max(box[1], other[1])
    area = max(1, (box[2] - box[0]) * (box[3] - box[1]))
    return width * height / area if width > 0 and height > 0 else 0.0
