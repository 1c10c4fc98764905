"""Finding writing in one picture: screen, read what looks like it, and if any is there look everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

import numpy as np

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pixels.complete import extended, gaps_between
from deephealth.lake.pixels.devices import NOWHERE, Places
from deephealth.lake.pixels.lines import Line
from deephealth.lake.pixels.policy import NOBODY, Verdict, is_strong, judge
from deephealth.lake.pixels.reader import LARGEST, Found, Reader, give_back, reader
from deephealth.lake.pixels.screen import HotZone, find_lines, hot_zones

__all__ = ["Finding", "Findings", "TextFinder"]

_LEAST = 0.25  # score of a line that is worth reading
_MOST_READ = 16  # lines of one picture that are read
_LETTER = 22.0  # height of letters that the detector sees best, pixels
_HOT = 2.0  # logit from which a place is looked at by the detector although no line could be read
_SURE = 5.5  # logit from which a place that nobody can read puts the object in doubt
_MOST_LOOKS = 3  # frames of an object on which the detector looks from further away because nothing was read
_WIDER = 4.0  # heights of a place by which it is seen wider then: lines go on where the screen is not sure
_MOST_ZONES, _ZONE_PIXELS = 4, 300_000
_SURE_BESIDE = 3.5  # the same where other writing was read: it is painted
_CLEAR = 0.9  # score of a mark or number that is not read upside down too
_UNREAD = 0.5  # score of the detector from which it is believed beside writing that was read
_LARGEST_UNREAD = 0.12  # share of the picture that a line nobody can read may take
_HIGHEST_LINE = 0.25  # share of the picture's shorter side up to which a line is completed
_HIGHER = 1.6  # than the usual line of the picture
_NO_STRIP = 128  # pixels; a picture that is lower may be a strip with one line of writing
_ALIKE = 0.6  # of two readings of the same line
_COARSE = 960  # longest side of the picture when nothing is known about its letters


@dataclass(frozen=True, slots=True)
class Finding:
    """One box of writing; as :class:`deephealth.lake.pixels.outcome.Box`, without its frame."""

    x0: int
    y0: int
    x1: int
    y1: int
    why: str
    score: float


@dataclass(slots=True)
class Findings:
    """What was found in one picture.

    Args:
        boxes: writing that has to go.
        harmless: writing that may stay.
        doubtful: looks like writing, can't be read, stands in the anatomy.
        rejected: lines of the screen that were read and are none.
        unread: the detector sees writing that can't be read; believed where other writing was read.
        sure: whether some line can't be anything but writing.
    """

    boxes: list[Finding] = field(default_factory=list)
    unread: list[Finding] = field(default_factory=list)
    sure: bool = False
    harmless: list[Finding] = field(default_factory=list)
    doubtful: list[Finding] = field(default_factory=list)
    rejected: list[Line] = field(default_factory=list)


class TextFinder:
    """Finds writing in pictures of stored values.

    Args:
        identifiers: of the patient.
    """

    def __init__(self, identifiers: Identifiers = NOBODY) -> None:
        self._identifiers = identifiers
        self._looks_left = _MOST_LOOKS

    @property
    def _reader(self) -> Reader:
        return reader()

    def screen(self, picture: np.ndarray) -> list[Line]:
        """Return what may be lines, best first, of each place one."""
        lines = [line for line in find_lines(grey_of(picture)) if line.score >= _LEAST]
        return sorted(_best(lines), key=lambda line: -line.heat - line.score)

    def find(
        self,
        picture: np.ndarray,
        *,
        lines: Sequence[Line] | None = None,
        thorough: bool = False,
        written: bool = False,
        places: Places = NOWHERE,
        known: Sequence[Finding] = (),
    ) -> Findings:
        """Return the writing in a picture.

        Args:
            picture: (H, W) stored values, or (H, W, 3) RGB.
            lines: what the screen found, if it has been asked.
            thorough: look everywhere even if the screen finds nothing, as for ultrasound and screen captures.
            written: writing is known to stand in the picture: what the detector sees goes even if it can't be read.
            places: where the device writes; what is seen there goes even if it can't be read.
            known: boxes that were found in other frames; where they stand is not looked at more closely again.
        """
        lines = self.screen(picture) if lines is None else list(lines)
        found = Findings(sure=written)
        if lines:
            self._read_lines(picture, lines[:_MOST_READ], found)
        looked = thorough or bool(found.boxes)
        if looked or written:
            self._everywhere(picture, found)
        if not found.sure and any(line.heat >= _HOT for line in lines):
            zones = [zone for zone in hot_zones(grey_of(picture), _HOT) if not _has_one(zone, known)][:_MOST_ZONES]
            self._closer(picture, zones, found)
            if found.boxes and not looked:
                self._everywhere(picture, found)
            elif zones and not looked and self._looks_left:
                self._looks_left -= 1
                self._further(picture, zones, found)
                if found.boxes:
                    self._everywhere(picture, found)
        if found.sure:
            found.boxes += found.unread
            found.boxes += [mark for mark in found.harmless if mark.why == "number" and _beside(mark, found.boxes)]
            self._complete(picture, found)
            self._hottest(picture, found)
        else:
            for kind in (found.unread, found.doubtful):
                found.boxes += [box for box in kind if places.hold(box.x0, box.y0, box.x1, box.y1)]
            found.doubtful = [box for box in found.doubtful if box not in found.boxes]
        if lines or thorough or written:
            give_back()
        return found

    def _complete(self, picture: np.ndarray, found: Findings) -> None:
        """Add what goes on along lines that were read, and what lies between pieces of a line."""
        grey = grey_of(picture)
        most = _HIGHEST_LINE * min(grey.shape)  # what is higher is no line, whatever was read in it
        lines = [b for b in found.boxes if b.why in ("read", "number") and _height(b) <= most]
        if lines:  # a box over several lines of a block is no line either
            usual = float(np.median([_height(b) for b in lines]))
            lines = [b for b in lines if _height(b) <= _HIGHER * usual]
        pieces = [(b.x0, b.y0, b.x1, b.y1) for b in lines]
        added = [more for piece in pieces for more in extended(grey, piece)]
        added += gaps_between([*pieces, *added])
        found.boxes += [Finding(*box, "seen", 0.5) for box in dict.fromkeys(added)]

    def _hottest(self, picture: np.ndarray, found: Findings) -> None:
        """Beside writing that was read, believe the screen where it is sure: letters over a pattern can't be read."""
        most = _LARGEST_UNREAD * picture.shape[0] * picture.shape[1]
        for x0, y0, x1, y1, heat, scale in hot_zones(grey_of(picture), _SURE_BESIDE):
            if scale <= 4 and (x1 - x0) * (y1 - y0) <= most:
                found.boxes.append(Finding(x0, y0, x1, y1, "seen", heat))

    def _read_lines(self, picture: np.ndarray, lines: list[Line], found: Findings) -> None:
        crops = [variant for line in lines for variant in _variants(picture, line)]
        texts = self._reader.read(crops)
        at = 0
        for line in lines:
            count = 1 if line.upright else 2
            read = texts[at : at + count]
            verdicts = [(self._judge(crop, *one, found), one[1]) for crop, one in zip(crops[at:], read, strict=False)]
            at += count
            if line.upright and verdicts[0][0] is Verdict.HARMLESS and verdicts[0][1] < _CLEAR:
                verdicts.append(self._upside_down(crops[at - count], found))
            best = max((s for v, s in verdicts if v is Verdict.WRITING), default=0.0)
            box = _padded(line, picture.shape)
            if best:
                found.boxes.append(Finding(*box, "read", best))
            elif any(v is Verdict.HARMLESS for v, _ in verdicts):
                found.harmless.append(Finding(*box, "mark", max(s for _, s in verdicts)))
            else:
                found.rejected.append(line)

    def _upside_down(self, crop: np.ndarray, found: Findings) -> tuple[Verdict, float]:
        turned = np.rot90(crop, 2)
        text, score = self._reader.read([turned])[0]
        return self._judge(turned, text, score, found), score

    def _judge(self, crop: np.ndarray, text: str, score: float, found: Findings) -> Verdict:
        """Say what a reading is; one that is not sure has to come out alike from a crop of another size."""
        verdict = judge(text, score, self._identifiers)
        if verdict is not Verdict.WRITING or found.sure:
            return verdict
        if is_strong(text, score):
            found.sure = True
            return verdict
        again, sure = self._reader.read([_other_look(crop)])[0]
        if judge(again, sure, self._identifiers) is not Verdict.WRITING:
            return Verdict.NOTHING
        alike = SequenceMatcher(None, text.lower(), again.lower()).ratio() >= _ALIKE
        return Verdict.WRITING if alike else Verdict.NOTHING

    def _everywhere(self, picture: np.ndarray, found: Findings) -> None:
        """Run the detector over the whole picture, at the size that suits the letters found so far."""
        shown = to_8_bits(picture)
        longest = max(picture.shape[:2])
        scales = [min(2.0, _COARSE / longest)]
        most = max(1.0, (LARGEST / (picture.shape[0] * picture.shape[1])) ** 0.5)
        heights = [min(box.y1 - box.y0, box.x1 - box.x0) / 1.6 for box in found.boxes]
        if heights:
            best = float(np.clip(_LETTER / np.median(heights), 0.2, min(3.0, most)))
            # where writing was read, the painted picture is looked at again at the other scale
            scales = [best] if found.sure or 0.5 < best / scales[0] < 2 else [best, scales[0]]
        for scale in scales:
            self._add(shown, self._reader.detect(shown, scale), found)

    def _closer(self, picture: np.ndarray, zones: Sequence[HotZone], found: Findings) -> None:
        """Run the detector, enlarged, where the screen is sure and no line could be read; doubt what stays unread."""
        for x0, y0, x1, y1, heat, scale in zones:
            shown = to_8_bits(picture[y0:y1, x0:x1], 1.0)
            factor = min(2.0 / scale, (_ZONE_PIXELS / max(1, shown.shape[0] * shown.shape[1])) ** 0.5)
            before = len(found.boxes) + len(found.harmless)
            self._add(shown, self._reader.detect(shown, factor), found, (x0, y0))
            if len(found.boxes) + len(found.harmless) == before and heat >= _SURE:
                found.doubtful.append(Finding(x0, y0, x1, y1, "seen", heat))

    def _further(self, picture: np.ndarray, zones: Sequence[HotZone], found: Findings) -> None:
        """Run the detector with more around the surest places: of a line cut in pieces it may read no piece."""
        places: list[tuple[int, int, int, int]] = []
        for x0, y0, x1, y1, _, scale in zones:
            if any(x0 >= left and y0 >= top and x1 <= right and y1 <= bottom for left, top, right, bottom in places):
                continue
            reach = round(_WIDER * min(x1 - x0, y1 - y0))
            x0, y0, x1, y1 = _clipped(x0 - reach, y0 - reach, x1 + reach, y1 + reach, picture.shape)
            places.append((x0, y0, x1, y1))
            shown = to_8_bits(picture[y0:y1, x0:x1], 1.0)
            factor = min(2.0 / scale, (_ZONE_PIXELS / max(1, shown.shape[0] * shown.shape[1])) ** 0.5)
            self._add(shown, self._reader.detect(shown, factor), found, (x0, y0))

    def _add(self, shown: np.ndarray, seen: list[Found], found: Findings, corner: tuple[int, int] = (0, 0)) -> None:
        """Read what the detector saw, also upside down, and file it under what it is."""
        lines = seen if corner != (0, 0) else [one for one in seen if not _is_picture(one, shown.shape)]
        pairs = [(one, _straightened(shown, one)) for one in lines]
        left = [(one, crop, True) for one, crop in pairs if crop is not None]
        for _ in range(2):
            texts = self._reader.read([crop for _, crop, _ in left])
            turned = []
            for (one, crop, nothing), (text, score) in zip(left, texts, strict=True):
                verdict, box = self._judge(crop, text, score, found), _around(one, crop, shown.shape, corner)
                if verdict is Verdict.WRITING:
                    found.boxes.append(Finding(*box, "read", score))
                elif verdict is Verdict.HARMLESS:
                    why = "number" if any(letter.isdigit() for letter in text) else "mark"
                    found.harmless.append(Finding(*box, why, score))
                    if score < _CLEAR:  # a date that stands on its head reads as a number, though not well
                        turned.append((one, np.rot90(crop, 2), False))
                elif one.score >= _UNREAD:
                    turned.append((one, np.rot90(crop, 2), nothing))
            left = turned
        for one, crop, nothing in left:
            if not nothing:
                continue
            box = _around(one, crop, shown.shape, corner)
            area = (box[2] - box[0]) * (box[3] - box[1])
            if area <= _LARGEST_UNREAD * shown.shape[0] * shown.shape[1] or corner != (0, 0):
                found.unread.append(Finding(*box, "seen", one.score))


def _height(box: Finding) -> int:
    return min(box.x1 - box.x0, box.y1 - box.y0)


def _is_picture(seen: Found, shape: tuple[int, ...]) -> bool:
    """Whether the detector took the picture for a line: shrunk to a line's height, anything can be read in it."""
    height, width = shape[:2]
    across = min(seen.x1 - seen.x0, seen.y1 - seen.y0)
    area = (seen.x1 - seen.x0) * (seen.y1 - seen.y0)
    shorter = min(height, width)
    return shorter >= _NO_STRIP and across > 0.25 * shorter and area > 0.35 * height * width


def _around(
    seen: Found, crop: np.ndarray, shape: tuple[int, ...], corner: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return the upright box around a line that may be tilted, with a margin that grows with its letters."""
    pad = 2 + round(0.2 * min(crop.shape[:2]))
    x0, y0, x1, y1 = _clipped(seen.x0 - pad, seen.y0 - pad, seen.x1 + pad, seen.y1 + pad, shape)
    return x0 + corner[0], y0 + corner[1], x1 + corner[0], y1 + corner[1]


def grey_of(picture: np.ndarray) -> np.ndarray:
    """Return one plane in which writing of any colour differs from what is around it."""
    if picture.ndim == 2:
        return picture
    import cv2

    if picture.dtype != np.uint8:
        return picture[..., :3].max(2)
    return cv2.cvtColor(np.ascontiguousarray(picture[..., :3]), cv2.COLOR_RGB2GRAY)


def to_8_bits(picture: np.ndarray, share: float = 0.1) -> np.ndarray:
    """Return values stretched to 8 bits; ``share`` per cent at both ends are clipped."""
    if picture.dtype == np.uint8 and picture.ndim == 3:
        return np.ascontiguousarray(picture[..., :3])
    values = picture[..., :3] if picture.ndim == 3 else picture
    step = max(1, int((values.size / 65536) ** 0.5))
    sample = np.nan_to_num(values[::step, ::step].astype(np.float32))
    low, high = np.percentile(sample, (share, 100 - share))
    if high <= low:
        low, high = float(sample.min()), float(sample.max())
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    scaled = (np.nan_to_num(values.astype(np.float32)) - low) * (255 / (high - low))
    return np.clip(scaled, 0, 255).astype(np.uint8)


def _variants(picture: np.ndarray, line: Line) -> list[np.ndarray]:
    """Return the line as the recogniser wants it: level, dark on light; a standing one turned both ways."""
    pad = max(2, round(0.3 * line.height))
    x0, y0, x1, y1 = _clipped(line.x0 - pad, line.y0 - pad, line.x1 + pad, line.y1 + pad, picture.shape)
    crop = to_8_bits(grey_of(picture[y0:y1, x0:x1]), 1.0)
    if not line.dark:
        crop = 255 - crop
    return [crop] if line.upright else [np.rot90(crop, 1), np.rot90(crop, -1)]


def _straightened(shown: np.ndarray, seen: Found) -> np.ndarray | None:
    import cv2

    corners = seen.corners.astype(np.float32)
    width = int(max(np.linalg.norm(corners[0] - corners[1]), np.linalg.norm(corners[2] - corners[3])))
    height = int(max(np.linalg.norm(corners[0] - corners[3]), np.linalg.norm(corners[1] - corners[2])))
    if width < 3 or height < 3:
        return None
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    turn = cv2.getPerspectiveTransform(corners, target)
    crop = cv2.warpPerspective(shown, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.rot90(crop) if height >= 1.5 * width else crop


def _other_look(crop: np.ndarray) -> np.ndarray:
    """Return a crop with a narrower frame and another size: letters read the same in it, folds and bars do not."""
    import cv2

    edge = max(1, round(0.06 * min(crop.shape[:2])))
    inner = np.ascontiguousarray(crop[edge:-edge, edge:-edge])
    inner = crop if min(inner.shape[:2]) < 6 else inner
    return cv2.resize(inner, None, fx=0.85, fy=0.8, interpolation=cv2.INTER_AREA)


def _padded(line: Line, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    along, across = max(3, round(0.5 * line.height)), max(2, round(0.35 * line.height))
    dx, dy = (along, across) if line.upright else (across, along)
    return _clipped(line.x0 - dx, line.y0 - dy, line.x1 + dx, line.y1 + dy, shape)


def _clipped(x0: int, y0: int, x1: int, y1: int, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    return max(0, x0), max(0, y0), min(shape[1], x1), min(shape[0], y1)


def _beside(mark: Finding, boxes: Sequence[Finding]) -> bool:
    """Whether a number stands in the same block as writing: it may be a part of it."""
    reach = 1.5 * min(mark.y1 - mark.y0, mark.x1 - mark.x0)
    return any(
        min(mark.x1, box.x1) - max(mark.x0, box.x0) > -reach and min(mark.y1, box.y1) - max(mark.y0, box.y0) > -reach
        for box in boxes
    )


def _has_one(zone: tuple[float, ...], known: Sequence[Finding]) -> bool:
    """Whether most of some known box lies in a zone."""
    for box in known:
        width, height = min(box.x1, zone[2]) - max(box.x0, zone[0]), min(box.y1, zone[3]) - max(box.y0, zone[1])
        if width > 0 and height > 0 and 2 * width * height >= (box.x1 - box.x0) * (box.y1 - box.y0):
            return True
    return False


def _best(lines: list[Line]) -> list[Line]:
    """Of lines that lie on each other keep the one that looks most like writing."""
    kept: list[Line] = []
    for line in sorted(lines, key=lambda one: -one.score * min(one.letters, 12) * (1.0 if one.upright else 0.5)):
        if all(_covered(line, other) < 0.6 for other in kept):
            kept.append(line)
    return kept


def _covered(line: Line, other: Line) -> float:
    width = min(line.x1, other.x1) - max(line.x0, other.x0)
    height = min(line.y1, other.y1) - max(line.y0, other.y0)
    area = (line.x1 - line.x0) * (line.y1 - line.y0)
    return width * height / max(area, 1) if width > 0 and height > 0 else 0.0
