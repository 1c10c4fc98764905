"""A perfect answer made from the answer key itself: the scorer must give it everything."""

from __future__ import annotations

import datetime
import hashlib

import pydicom
from score_elements import _split
from score_match import read_answers

SHIFT = -1234


def new_uid(old):
    return "2.25." + str(int(hashlib.sha256(old.encode()).hexdigest()[:24], 16))


def item_of(ds, path):
    *around, last = _split(path)
    for step in around:
        tag, _, index = step.partition("[")
        ds = ds[int(tag, 16)].value[int(index[:-1])]
    return ds, last


def shifted(value):
    day = datetime.datetime.strptime(value[:8], "%Y%m%d") + datetime.timedelta(days=SHIFT)
    return day.strftime("%Y%m%d") + value[8:]


def _dummy(element):
    if element.VR == "SQ":
        return pydicom.Sequence([pydicom.Dataset()]) if not element.value else _hollow(element)
    return {"DS": "0", "IS": "0", "AS": "090Y", "UI": "2.25.7"}.get(element.VR, "XX")


def _hollow(element):
    for one in element.value:
        for inner in one.iterall():
            if inner.VR in ("PN", "LO", "SH", "ST", "LT", "UI", "DT") and inner.keyword not in (
                "CodingSchemeDesignator",
            ):
                inner.value = {"UI": "2.25.9", "DT": "20000101"}.get(inner.VR, "XX")
    return element.value


def _apply(ds, action):
    kind, path = action["class"], action["path"]
    if path.startswith("meta:"):
        return _apply_meta(ds, kind, path[5:])
    if kind.startswith("pixels"):
        return None
    place, last = item_of(ds, path)
    if last.startswith("p"):
        if kind == "removed":
            group, creator, element = last[1:].split("|")
            block = place.private_block(int(group, 16), creator)
            if int(element, 16) in block:
                del block[int(element, 16)]
        return None
    if int(last, 16) in place:
        _standard(place, place[int(last, 16)], action)
    return None


def _standard(place, element, action):
    kind = action["class"]
    if kind in ("removed", "emptied", "replaced"):
        _clear(place, element, action["accept"])
    elif kind == "text_removed":
        element.value = ""
    elif kind == "text_kept" and "stay" in action:
        element.value = " ".join(action["stay"])
    elif kind == "date_shifted" and action["vr"] != "TM":
        element.value = shifted(action["value"][0])
    elif kind == "uid_changed":
        many = [new_uid(one) for one in action["value"]]
        element.value = many[0] if len(many) == 1 else many


def _clear(place, element, accept):
    if "X" in accept:
        del place[element.tag]
    elif "Z" in accept:
        element.value = None if element.VR != "SQ" else []
    elif element.keyword == "PatientID" and place.get("StudyInstanceUID"):
        element.value = "S" + hashlib.sha256(element.value.encode()).hexdigest()[:10]
    else:
        element.value = _dummy(element)


def _apply_meta(ds, kind, keyword):
    if keyword == "preamble":
        ds.preamble = b"\0" * 128
    elif kind == "removed":
        delattr(ds.file_meta, keyword)
        if keyword == "PrivateInformation":
            del ds.file_meta.PrivateInformationCreatorUID


def _paint(ds, actions):
    """Paint the boxes over in all frames; compressed pixels become native."""
    boxes = [one["box"] for one in actions if one["class"] == "pixels_hidden"]
    if not boxes:
        return
    compressed = ds.file_meta.TransferSyntaxUID.is_compressed and ds.file_meta.TransferSyntaxUID.is_encapsulated
    pixels = ds.pixel_array.copy()
    colour = int(ds.SamplesPerPixel) == 3
    frames = pixels if pixels.ndim == (4 if colour else 3) else pixels[None]
    for x0, y0, x1, y1 in boxes:
        frames[:, y0:y1, x0:x1] = 0
    if compressed:
        ds.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        if colour:
            ds.PhotometricInterpretation, ds.PlanarConfiguration = "RGB", 0
    data = pixels.tobytes()
    if ds.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRBigEndian and ds.BitsAllocated == 16:
        data = pixels.byteswap().tobytes() if pixels.dtype.byteorder in "=<|" else data
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB" if ds.BitsAllocated == 8 else "OW"
    ds["PixelData"].is_undefined_length = False


def answer(folder, out):
    """Write the perfect answer of a set."""
    out.mkdir(parents=True)
    for index, record in enumerate(read_answers(folder).objects):
        ds = pydicom.dcmread(folder / "data" / record["path"])
        ds.decode()
        actions = record["actions"]
        _paint(ds, actions)
        for action in sorted(actions, key=lambda one: -one["path"].count("/")):
            _apply(ds, action)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.SpecificCharacterSet = "ISO_IR 192"
        if 0xFFFCFFFC in ds:
            del ds[0xFFFCFFFC]
        ds.save_as(out / f"{index:05d}.dcm")
