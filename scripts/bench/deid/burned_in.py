"""Burned-in text: 1,000 rendered cases and 1,000 text-free pictures; recall, false blanking, doubt, time.

    python scripts/bench/deid/burned_in.py --cases 1000 --clean 1000 --data FOLDER_WITH_REAL_SLICES \
        --workers 2 --results burned_in.jsonl

A run that was stopped goes on where it was if it gets the same ``--results`` file.

Recall is the share of rendered lines of whose visible strokes at most 2 % lie outside every painted box, and of which
another reader (rapidocr as it comes, with its own detector sizes) finds no word of four letters or digits any more.
Strokes that differ by less than 2 % of the range from what they were drawn on are seen by nobody and count as nothing.
A line is hidden, leaked, or in quarantine; what is in quarantine counts as neither of the others, and recall is given
of all lines (what is in quarantine counts as not hidden) and of the lines that were let through.
Case ``n`` is the same in every run: ``--first`` lets a run be done in parts.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import random
import re
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
from burned_in_figures import fates_of, summary
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

__all__ = ["Scene", "Written", "clean_scene", "main", "text_scene", "to_dataset"]

_LAST = (
    "DOE",
    "SMITH",
    "GARCIA",
    "MUELLER",
    "ROSSI",
    "DUBOIS",
    "NOWAK",
    "OKAFOR",
    "YAMADA",
    "KOWALSKI",
    "O'BRIEN",
    "FERRARI",
)
_FIRST = [
    "JANE",
    "JOHN",
    "MARIA",
    "HANS",
    "LUCIA",
    "PIERRE",
    "ANNA",
    "CHIDI",
    "AKIRA",
    "EWA",
    "SEAN",
    "ASTRID",
    "PAOLO",
    "KARIN",
]
_VISIBLE = 0.02
_SITES = ("ST MARY HOSPITAL", "General Hospital", "Klinikum Nord", "Hopital Saint Luc", "OSPEDALE CENTRALE")


@dataclass
class Written:
    """One line of text: box (x0, y0, x1, y1), text, mask of its strokes (H, W) over the whole picture, its turn."""

    box: tuple[int, int, int, int]
    text: str
    mask: np.ndarray
    turned: str = ""


@dataclass
class Scene:
    """A picture of stored values with what is written in it."""

    number: int
    kind: str
    pixels: np.ndarray
    modality: str
    stored: int
    lines: list[Written] = field(default_factory=list)
    note: str = ""


# ---- pictures without text


def _smooth(rng: np.random.Generator, side: tuple[int, int], size: float) -> np.ndarray:
    small = rng.normal(0, 1, (max(2, int(side[0] / size)), max(2, int(side[1] / size)))).astype(np.float32)
    return cv2.resize(small, side[::-1], interpolation=cv2.INTER_CUBIC)


def _body(rng: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[0 : side[0], 0 : side[1]].astype(np.float32)
    out = np.zeros(side, np.float32)
    for index in range(rng.integers(4, 10)):
        cy, cx = side[0] * rng.uniform(0.3, 0.7), side[1] * rng.uniform(0.3, 0.7)
        ry, rx = (side[axis] * rng.uniform(0.04, 0.45 / (1 + index / 4)) for axis in (0, 1))
        out[((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1] = rng.uniform(0.1, 0.85)
    out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.8, 4))
    return out + rng.normal(0, rng.uniform(0.003, 0.04), side) * (out > 0.005)


def _bone(rng: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    coarse = _smooth(rng, side, 40) * 0.15 + 0.45
    fibres = np.abs(_smooth(rng, side, rng.uniform(3, 7)))
    out = coarse + 0.25 * np.exp(-fibres * 6) * (coarse > 0.4)
    return out + rng.normal(0, 0.01, side)


def _ribs(rng: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[0 : side[0], 0 : side[1]].astype(np.float32) / max(side)
    out = 0.35 + 0.2 * _smooth(rng, side, side[0] / 3) * 0.5
    for rib in range(9):
        centre = 0.1 + rib * 0.09 + 0.15 * (x - 0.5) ** 2 * 4
        out += 0.12 * np.exp(-(((y - centre) / 0.012) ** 2))
    return out + rng.normal(0, 0.015, side)


def _speckle(rng: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[0 : side[0], 0 : side[1]].astype(np.float32)
    sector = (np.abs(np.arctan2(x - side[1] / 2, y + side[0] * 0.05)) < 0.65) & (y < side[0] * 0.92)
    real, imaginary = (
        cv2.GaussianBlur(rng.normal(0, 1, side).astype(np.float32), (0, 0), 1.8, sigmaY=1.1) for _ in "ab"
    )
    echo = np.hypot(real, imaginary) * (0.5 + 0.5 * np.clip(_smooth(rng, side, 60), -0.8, 2))
    return np.clip(np.log1p(np.abs(echo) * 8) / 3, 0, 1) * sector


def _noise(rng: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    out = rng.normal(0.4, 0.12, side).astype(np.float32)
    return cv2.GaussianBlur(out, (0, 0), rng.uniform(0.3, 2.5)) if rng.random() < 0.7 else out


def _grid(rng: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    out = np.full(side, rng.uniform(0, 0.3), np.float32)
    step, width = int(rng.integers(6, 40)), int(rng.integers(1, 4))
    tone = rng.uniform(0.5, 1)
    if rng.random() < 0.5:
        for at in range(step, side[0], step):
            out[at : at + width] = tone
        for at in range(step, side[1], step):
            out[:, at : at + width] = tone
    else:
        for cy in range(step, side[0], step):
            for cx in range(step, side[1], step):
                cv2.circle(out, (cx, cy), max(1, step // 4), tone, width if rng.random() < 0.5 else -1)
    return out + rng.normal(0, rng.uniform(0, 0.03), side)


def _bars(rng: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    out = np.full(side, 0.2, np.float32)
    for _ in range(rng.integers(4, 14)):
        pitch, x, y = int(rng.integers(2, 9)), int(rng.integers(0, side[1] - 60)), int(rng.integers(0, side[0] - 40))
        for bar in range(rng.integers(3, 6)):
            out[y : y + pitch * 5, x + 2 * bar * pitch : x + 2 * bar * pitch + pitch] = 0.8
    return cv2.GaussianBlur(out, (0, 0), 0.7) + rng.normal(0, 0.02, side)


def _catheters(rng: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    out = _ribs(rng, side).astype(np.float32)
    for _ in range(rng.integers(2, 6)):
        steps = np.cumsum(rng.normal(0, 1, (60, 2)) * 2 + rng.normal(0, 3, 2), axis=0)
        points = (steps * side[0] / 256 + rng.uniform(0.2, 0.8, 2) * side[0]).astype(np.int32)
        cv2.polylines(out, [points.reshape(-1, 1, 2)], False, rng.uniform(0.7, 1), int(rng.integers(1, 4)), cv2.LINE_AA)
    for _ in range(rng.integers(0, 8)):  # electrodes and clips
        at = rng.uniform(0.1, 0.9, 2) * side[0]
        cv2.circle(out, (int(at[0]), int(at[1])), int(rng.integers(2, 6)), 1.0, -1, cv2.LINE_AA)
    return out


_SYNTHETIC: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "body": _body, "bone": _bone, "ribs": _ribs, "speckle": _speckle, "noise": _noise, "grid": _grid, "bars": _bars,
    "catheters": _catheters,
}  # fmt: skip


@cache
def _real_names(folder: str) -> list[tuple[str, str]]:
    found = []
    for archive in sorted(Path(folder).glob("*/*.zip")):
        with zipfile.ZipFile(archive) as opened:
            names = [n for n in opened.namelist() if n.endswith((".png", ".jpg")) and "masks" not in n]
        found += [(str(archive), name) for name in names[:: max(1, len(names) // 60)]]
    return found


@cache
def _volumes(folder: str) -> list[np.ndarray]:
    import nibabel

    found = []
    for name in ("CT_pitch", "MR_Gd", "nnunet_example_ct_sm", "fmri_pitch"):
        path = Path(folder) / "volumes" / f"{name}.nii.gz"
        if path.exists():
            found.append(np.asarray(nibabel.load(path).dataobj, np.float32))
    packed = Path(folder) / "ct-perfusion" / "unitobrain_samples.npz"
    if packed.exists():
        found.append(np.load(packed)["raw_frame_hu"].astype(np.float32)[..., None])
    return found


def _real(rng: np.random.Generator, folder: str) -> np.ndarray | None:
    names, volumes = _real_names(folder), _volumes(folder)
    if volumes and rng.random() < 0.3:
        volume = volumes[rng.integers(len(volumes))]
        middle = volume.shape[2]
        picture = np.rot90(volume[..., rng.integers(int(middle * 0.2), max(1, int(middle * 0.8)))])
    elif names:
        archive, name = names[rng.integers(len(names))]
        with zipfile.ZipFile(archive) as opened:
            picture = np.asarray(Image.open(io.BytesIO(opened.read(name)))).astype(np.float32)
    else:
        return None
    low, high = float(picture.min()), float(picture.max())
    picture = (picture - low) / max(high - low, 1e-6)
    factor = max(1, round(rng.choice([256, 384, 512]) / min(picture.shape[:2])))
    return cv2.resize(np.ascontiguousarray(picture), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)


def _background(rng: np.random.Generator, folder: str) -> tuple[str, np.ndarray]:
    if rng.random() < 0.5:
        real = _real(rng, folder)
        if real is not None:
            return ("skin" if real.ndim == 3 else "real"), np.clip(real, 0, 1)
    kind = str(rng.choice(list(_SYNTHETIC)))
    rows = int(rng.choice([256, 384, 512, 512, 640, 800]))
    side = (rows, int(rows * rng.choice([1, 1, 1.25, 1.33])))
    return kind, np.clip(_SYNTHETIC[kind](rng, side), 0, 1).astype(np.float32)


def _stored(rng: np.random.Generator, kind: str, picture: np.ndarray) -> tuple[str, int, float, float, np.dtype[Any]]:
    """Return modality, bits stored, the values of 0 and 1, and the type of the stored values."""
    if picture.ndim == 3:
        return "XC", 8, 0, 255, np.dtype(np.uint8)
    if kind == "speckle":
        return "US", 8, 0, 255, np.dtype(np.uint8)
    choice = rng.random()
    if choice < 0.3:
        return str(rng.choice(["CR", "OT", "MR"])), 8, 0, 255, np.dtype(np.uint8)
    if choice < 0.5:
        return "CT", 16, -1024, float(rng.choice([1500, 3071])), np.dtype(np.int16)
    if choice < 0.8:
        return str(rng.choice(["DX", "CR", "MG"])), 12, 0, 4095, np.dtype(np.uint16)
    return "MR", 16, 0, float(rng.choice([800, 3000, 20000])), np.dtype(np.uint16)


def clean_scene(number: int, folder: str = "") -> Scene:
    """Return a picture without text; the same for the same number."""
    rng = np.random.default_rng([2, number])
    kind, picture = _background(rng, folder)
    modality, bits, low, high, dtype = _stored(rng, kind, picture)
    return Scene(number, kind, np.round(picture * (high - low) + low).astype(dtype), modality, bits)


# ---- text


def _content(rng: random.Random) -> str:
    last, first = rng.choice(_LAST), rng.choice(_FIRST)
    date = f"{rng.randint(1925, 2020)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    number = str(rng.randint(1000, 99999999))
    return rng.choice(
        (
            f"{last}^{first}", f"{last}^{first} {number}", f"{last}, {first.title()}",
            f"{first.title()} {last.title()}",
            f"DOB {date}", f"DOB: {date.replace('-', '/')}", f"ID {number}", f"MRN: {number}",
            f"{last}^{first} DOB {date}",
            f"{date[8:]}.{date[5:7]}.{date[:4]}", rng.choice(_SITES), f"Acc# {number}", f"Dr. {last.title()}",
            f"{last}^{first} {number} DOB {date}", f"Tech: {first[0]}{last[0]} {number}", date,
        )
    )  # fmt: skip


@cache
def _fonts() -> list[str]:
    own = sorted((Path(matplotlib.get_data_path()) / "fonts" / "ttf").glob("DejaVu*.ttf"))
    own = [path for path in own if "Display" not in path.name]
    return [str(path) for path in [*own, *sorted(Path("/usr/share/fonts/truetype").glob("liberation*/*.ttf"))]]


def _drawn(rng: random.Random, text: str, height: int) -> np.ndarray:
    """Return the strokes of a line, 0 to 1, cropped."""
    choice = rng.random()
    if choice < 0.15:
        scale = height / 22
        (width, tall), base = cv2.getTextSize(text, rng.choice((0, 1, 2, 3)), scale, 1)
        canvas = np.zeros((tall + base + 12, width + 12), np.uint8)
        style = rng.choice((cv2.LINE_AA, cv2.LINE_8))
        cv2.putText(canvas, text, (6, tall + 6), rng.choice((0, 2, 3)), scale, 255, max(1, round(height / 14)), style)
    else:
        font: Any = (
            ImageFont.load_default(height) if choice < 0.25 else ImageFont.truetype(rng.choice(_fonts()), height)
        )
        left, top, right, bottom = font.getbbox(text)
        image = Image.new("L", (int(right - left) + 8, int(bottom - top) + 8), 0)
        draw = ImageDraw.Draw(image)
        if rng.random() < 0.2:
            draw.fontmode = "1"  # no grey edges
        draw.text((4 - left, 4 - top), text, font=font, fill=255)
        canvas = np.asarray(image)
    at = np.argwhere(canvas > 60)
    (y0, x0), (y1, x1) = at.min(0), at.max(0) + 1
    return np.pad(canvas[y0:y1, x0:x1].astype(np.float32) / 255, 1)


def _turned(rng: random.Random, strokes: np.ndarray) -> tuple[np.ndarray, str]:
    choice = rng.random()
    if choice < 0.08:
        quarter = rng.choice((1, 2, 3))
        return np.rot90(strokes, quarter).copy(), f"{90 * quarter} degrees"
    if choice < 0.16:
        angle = rng.uniform(-8, 8)
        width = strokes.shape[1]
        pad = int(abs(np.sin(np.radians(angle))) * width / 2) + 3
        padded = np.pad(strokes, ((pad, pad), (3, 3)))
        turn = cv2.getRotationMatrix2D((padded.shape[1] / 2, padded.shape[0] / 2), angle, 1)
        return cv2.warpAffine(padded, turn, padded.shape[::-1]), f"{angle:.1f} degrees"
    return strokes, ""


def _place(rng: random.Random, side: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, int]:
    room_y, room_x = side[0] - size[0] - 4, side[1] - size[1] - 4
    if rng.random() < 0.65:  # in a corner
        return rng.choice((2, room_y)), rng.choice((2, room_x))
    return rng.randint(2, max(2, room_y)), rng.randint(2, max(2, room_x))


def _tone(rng: random.Random, under: np.ndarray) -> float:
    """Return a tone that a person can read on what is under it."""
    middle, spread = float(under.mean()), float(under.std())
    bright = middle < 0.5 if rng.random() < 0.9 else middle < 0.6
    if rng.random() < 0.75:
        return 1.0 if bright else 0.0
    least = max(0.3, 4 * spread)
    away = min(0.95, least + rng.uniform(0, 0.4))
    return float(np.clip(middle + away if bright else middle - away, 0, 1))


def text_scene(number: int, folder: str = "") -> Scene:
    """Return a picture with one to four lines of text; the same for the same number."""
    rng, generator = random.Random(number), np.random.default_rng([1, number])
    kind, picture = _background(generator, folder)
    if rng.random() < 0.1:
        kind, picture = "screen", np.full((480, 640), rng.choice((0.0, 0.1, 0.92)), np.float32)
    modality, bits, low, high, dtype = _stored(generator, kind, picture)
    scene = Scene(number, kind, picture, modality, bits)
    height = rng.randint(10, max(12, min(picture.shape[:2]) // 16))
    written, note = _write(rng, picture, height)
    if rng.random() < 0.12 and dtype == np.uint8:
        quality = rng.randint(60, 95)
        packed = cv2.imencode(".jpg", np.round(written * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        written = cv2.imdecode(packed, cv2.IMREAD_UNCHANGED).astype(np.float32) / 255
        note += f" jpeg {quality}"
    scene.lines, scene.note = _write.lines, f"{height}px {note}"  # type: ignore[attr-defined]
    scene.pixels = np.round(written * (high - low) + low).astype(dtype)
    return scene


def _write(rng: random.Random, picture: np.ndarray, height: int) -> tuple[np.ndarray, str]:
    out, lines, note, at = picture.copy(), [], "", None
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        text = _content(rng)
        strokes, turned = _turned(rng, _drawn(rng, text, height))
        if strokes.shape[0] > out.shape[0] - 8 or strokes.shape[1] > out.shape[1] - 8:
            text = text[:8].strip()
            strokes, turned = _drawn(rng, text, min(height, 16)), ""
        if at is None or turned:
            y, x = _place(rng, out.shape, strokes.shape)
        else:
            y, x = at
        y, x = max(0, min(y, out.shape[0] - strokes.shape[0])), max(0, min(x, out.shape[1] - strokes.shape[1]))
        mask = np.zeros(out.shape[:2], np.float32)
        mask[y : y + strokes.shape[0], x : x + strokes.shape[1]] = strokes
        if any((mask > 0.3)[line.mask].any() for line in lines) or _touching(mask, lines):
            continue
        tone = _tone(rng, out[y : y + strokes.shape[0], x : x + strokes.shape[1]])
        weight = mask if out.ndim == 2 else mask[..., None]
        before = out
        out = out * (1 - weight) + tone * weight
        seen = np.abs(out - before) if out.ndim == 2 else np.abs(out - before).max(2)
        visible = (mask > 0.5) & (seen > _VISIBLE)
        if visible.sum() < 0.1 * (mask > 0.5).sum():
            out = before
            continue
        lines.append(Written((x, y, x + strokes.shape[1], y + strokes.shape[0]), text, visible, turned))
        note += f" {tone:.2f} {turned}"
        at = (y + round(strokes.shape[0] * 1.5), x)
    _write.lines = lines  # type: ignore[attr-defined]
    return out, note


def _touching(mask: np.ndarray, lines: list[Written]) -> bool:
    near = cv2.dilate((mask > 0.3).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return any(near[line.mask].any() for line in lines)


# ---- scoring


def to_dataset(scene: Scene) -> Dataset:
    """Return a DICOM object that holds the picture."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pixels = scene.pixels
    dataset.Modality, (dataset.Rows, dataset.Columns) = scene.modality, pixels.shape[:2]
    dataset.BitsAllocated = pixels.dtype.itemsize * 8
    dataset.BitsStored, dataset.HighBit = scene.stored, scene.stored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    dataset.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.PixelData = pixels.tobytes()
    return dataset


def _pixels(dataset: Dataset, like: np.ndarray) -> np.ndarray:
    return np.frombuffer(dataset.PixelData, like.dtype)[: like.size].reshape(like.shape)


def _uncovered(boxes: Any, line: Written) -> float:
    """Return the share of a line's strokes that no painted box covers; values prove nothing where text is black."""
    painted = np.zeros(line.mask.shape, bool)
    for box in boxes:
        painted[box.y0 : box.y1, box.x0 : box.x1] = True
    return float((~painted)[line.mask].mean())


@cache
def _other_reader() -> Any:
    from rapidocr import RapidOCR

    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    return RapidOCR(params={"Global.log_level": "error", **threads})


def _still_read(after: np.ndarray, line: Written) -> bool:
    """Whether another reader finds a word of the line in and round its box."""
    x0, y0, x1, y1 = line.box
    crop = after[max(0, y0 - 8) : y1 + 8, max(0, x0 - 8) : x1 + 8].astype(np.float32)
    low, high = float(crop.min()), float(crop.max())
    if high <= low:
        return False
    grey = ((crop - low) / (high - low) * 255).astype(np.uint8)
    picture = cv2.resize(grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, 2), None, fx=2, fy=2)
    seen = " ".join(_other_reader()(picture).txts or ()).lower()
    return any(word.lower() in seen for word in re.findall(r"\w{4,}", line.text))


@cache
def _cleaner() -> Any:
    from deephealth.lake.pixels.cleaner import PixelCleaner

    cv2.setNumThreads(1)
    return PixelCleaner()


def _run(wanted: str, number: int, folder: str) -> dict[str, Any]:
    """Clean one case and say what became of it; a refused object is in quarantine too."""
    from deephealth.core.errors import QuarantineError
    from deephealth.lake.identifiers import Identifiers

    scene = text_scene(number, folder) if wanted == "text" else clean_scene(number, folder)
    dataset, boxes, reason = to_dataset(scene), (), ""
    cleaner = _cleaner()
    start = time.perf_counter()
    try:
        outcome = cleaner.clean(dataset, Identifiers())
        status, boxes, reason = outcome.status, outcome.boxes, outcome.reason
    except QuarantineError as error:
        status, reason = "doubtful", str(error.reason)
    except Exception as error:  # a case that breaks the cleaner is a case that failed, and the run goes on
        status, reason = "error", type(error).__name__
    took = time.perf_counter() - start
    after = _pixels(dataset, scene.pixels)
    return {
        "wanted": wanted, "number": number, "kind": scene.kind, "note": scene.note, "status": status,
        "reason": reason, "seconds": round(took, 3), "changed": not np.array_equal(after, scene.pixels),
        "left": [round(_uncovered(boxes, line), 4) for line in scene.lines],
        "read": [_still_read(after, line) for line in scene.lines],
        "texts": [line.text for line in scene.lines], "turned": [line.turned for line in scene.lines],
        "modality": scene.modality, "size": list(scene.pixels.shape),
        "boxes": [(box.x0, box.y0, box.x1, box.y1, box.why) for box in boxes],
    }  # fmt: skip


def _all(tasks: list[tuple[str, int]], folder: str, workers: int) -> Iterator[dict[str, Any]]:
    if workers <= 1:
        yield from (_run(wanted, number, folder) for wanted, number in tasks)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(_run, wanted, number, folder) for wanted, number in tasks]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _known(results: Path | None) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the cases of an earlier run; a line that was cut off when it was stopped is left out."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    if results is None or not results.exists():
        return found
    for line in results.read_text().splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[row["wanted"], row["number"]] = row
    return found


def main(argv: list[str] | None = None) -> dict[str, Any]:
    """Run the cases and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--clean", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--data", default="", help="a folder of real slices without text")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--results", type=Path, help="JSON lines, one a case; a run that was stopped goes on from it")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after so long")
    args = parser.parse_args(argv)
    span = range(args.first, args.first + max(args.cases, args.clean))
    wanted = [
        (kind, number)
        for number in span  # both kinds side by side, so that a run that is stopped says something about both
        for kind, count in (("text", args.cases), ("clean", args.clean))
        if number < args.first + count
    ]
    known = _known(args.results)
    rows = [known[task] for task in wanted if task in known]
    tasks = [task for task in wanted if task not in known]
    start, skipped = time.monotonic(), len(rows)
    if args.results:
        args.results.parent.mkdir(parents=True, exist_ok=True)
        with args.results.open("a") as stream:  # a line that was cut off must not swallow the next one
            stream.write("\n" if args.results.stat().st_size else "")
    for row in _all(tasks, args.data, args.workers):
        rows.append(row)
        if args.results:
            with args.results.open("a") as stream:
                stream.write(json.dumps(row) + "\n")
        _tell(rows, len(rows) - skipped, len(wanted), time.monotonic() - start)
        if time.monotonic() - start > args.seconds:
            break
    figures = summary(rows)
    print(json.dumps(figures, indent=1))
    return figures


def _tell(rows: list[dict[str, Any]], done: int, wanted: int, seconds: float) -> None:
    if done % 20 and len(rows) < wanted:
        return
    left = (wanted - len(rows)) * seconds / max(1, done)
    lines = Counter(fate for row in rows for fate in fates_of(row))
    false = sum(row["wanted"] == "clean" and row["changed"] for row in rows)
    print(
        f"{len(rows)}/{wanted} cases, {seconds:.0f} s, {left:.0f} s left; lines: {dict(lines)}; "
        f"text-free painted: {false} of {sum(row['wanted'] == 'clean' for row in rows)}",
        file=sys.stderr, flush=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
