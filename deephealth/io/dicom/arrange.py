"""Images at one position: time points, echoes and b-values become channels; copies of a slice are named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deephealth.core.errors import DataError
from deephealth.io.dicom.frame_geometry import SliceReport
from deephealth.io.dicom.header import Header

__all__ = ["Arrangement", "arrange"]

# what may tell images at one position apart, most telling first
_DIMENSIONS = (
    "TemporalPositionIdentifier",
    "EchoNumbers",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "TriggerTime",
    "AcquisitionNumber",
    "AcquisitionTime",
    "ImageType",
    "InstanceNumber",
)


@dataclass(slots=True)
class Arrangement:
    """The files of a volume in their places.

    Args:
        channels: per channel, the file of each slice (``None`` where it is missing).
        by: keyword that tells the channels apart; empty for one channel.
        values: its value in each channel.
        dropped: files that stand at a position that another file already fills.
    """

    channels: list[list[Header | None]]
    by: str = ""
    values: tuple[str, ...] = ()
    dropped: list[str] = field(default_factory=list)


def arrange(headers: Sequence[Header], facts: SliceReport, name: str, *, report: bool) -> Arrangement:
    """Put files into channels and slices.

    Args:
        headers: the files, in the order of the positions that ``facts`` was made from.
        facts: order and slice numbers.
        name: what errors call the series.
        report: whether copies of a slice are dropped and named; otherwise a different number of images per position is
            an error.

    Raises:
        DataError: different numbers of images at the positions.
    """
    places: dict[int, list[Header]] = {}
    dropped: list[str] = []
    seen: set[bytes] = set()
    for index, slot in zip(facts.order, facts.slots, strict=True):
        header = headers[index]
        uid = header.values.get("SOPInstanceUID", b"")
        if uid and uid in seen:
            dropped.append(header.path)
            continue
        seen.add(uid)
        places.setdefault(slot, []).append(header)
    counts = {len(members) for members in places.values()}
    if len(counts) > 1:
        _refuse_ragged(places, name, report=report)
        for members in places.values():
            members.sort(key=lambda header: header.integer("InstanceNumber", 0))
            dropped.extend(header.path for header in members[1:])
            del members[1:]
    many = max(len(members) for members in places.values())
    if many == 1:
        channel = [places[slot][0] if slot in places else None for slot in range(facts.count)]
        return Arrangement([channel], dropped=dropped)
    return _in_channels(places, many, facts.count, dropped)


def _refuse_ragged(places: dict[int, list[Header]], name: str, *, report: bool) -> None:
    if report:
        return
    usual = min(len(members) for members in places.values())
    more = {slot: members for slot, members in places.items() if len(members) > usual}
    listed = "; ".join(
        f"slice {slot}: " + ", ".join(header.path for header in members[:4]) for slot, members in list(more.items())[:5]
    )
    raise DataError(
        f"{name} has {usual} images at some positions and more at {len(more)} others: {listed}",
        allowed="one image per position, or equally many at each (time points, echoes, b-values)",
        hint="remove duplicates, or read it with on_missing='report' to take the first of each",
    )


def _in_channels(places: dict[int, list[Header]], many: int, count: int, dropped: list[str]) -> Arrangement:
    """Sort the images of each position by what tells them apart at every position."""
    for keyword in _DIMENSIONS:
        keys = {slot: [header.values.get(keyword, b"") for header in members] for slot, members in places.items()}
        if any(len(set(found)) < many for found in keys.values()):
            continue
        same = len({frozenset(found) for found in keys.values()}) == 1
        if not same and keyword not in ("AcquisitionTime", "TriggerTime", "InstanceNumber", "AcquisitionNumber"):
            continue
        break
    else:
        keyword = ""
    rank = _ranking(keyword)
    for members in places.values():
        members.sort(key=rank)
    channels = [[places[slot][at] if slot in places else None for slot in range(count)] for at in range(many)]
    first = next(iter(places.values()))
    return Arrangement(channels, keyword, tuple(_label(header, keyword) for header in first), dropped)


def _ranking(keyword: str) -> Callable[[Header], tuple[float | str, ...]]:
    def rank(header: Header) -> tuple[float | str, ...]:
        if not keyword:
            return (header.path,)
        if keyword in ("ImageType", "AcquisitionTime"):
            return (header.text(keyword),)
        return header.floats(keyword)

    return rank


def _label(header: Header, keyword: str) -> str:
    if not keyword:
        return ""
    if keyword.startswith("Diffusion"):
        return "\\".join(f"{value:g}" for value in header.floats(keyword))
    return header.text(keyword)
