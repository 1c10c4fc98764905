"""Names of files and folders, from the facts of an object and nothing else.

Two trees lie in a data set. ``sourcedata`` holds every released object once, under a name that depends on that object
alone, so that an intake that is resumed, repeated or run on two machines writes the same path. The tree beside it
(``sub-…/ses-…/anat`` or ``mod-ct``) holds the images that are made from the objects, one per series, under the names
that BIDS or MIDS give them; those names carry a ``run`` number, which :mod:`deephealth.lake.layout.visit_table` keeps.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from deephealth.core.errors import DataError
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.layout.brain import brain_sequence, is_brain

__all__ = ["TABLES", "ImageName", "image_name", "label", "modality_folder", "place", "series_label", "subject_folder"]

# format of the facts -> what its files end with; the first is the one that is taken when nobody says
SUFFIXES: dict[str, tuple[str, ...]] = {
    "dicom": (".dcm",),
    "nifti": (".nii.gz", ".nii", ".hdr", ".img"),
    "png": (".png",),
    "jpeg": (".jpg", ".jpeg"),
    "webp": (".webp",),
    "bmp": (".bmp",),
    "gif": (".gif",),
    "raster": (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"),
    "tiff": (".tif", ".tiff", ".svs"),
    "svs": (".svs",),
    "edf": (".edf", ".bdf"),
    "bdf": (".bdf",),
    "table": (".tsv", ".csv"),
    "tsv": (".tsv",),
    "csv": (".csv",),
    "report": (".txt",),
    "json": (".json",),
}

# DICOM modality -> label behind ``mod-``; what is not here is its own label. The groups are those of the MIDS table of
# medical imaging modalities; computed tomography and mammography have folders of their own, as in MIDS' example tree.
_GROUPS = {
    **dict.fromkeys(("cr", "dx", "rg", "rf", "px", "io", "xa", "bmd"), "rx"),
    **dict.fromkeys(("rtimage", "rtplan", "rtrecord", "rtstruct", "rtdose"), "rt"),
    **dict.fromkeys(("us", "ivus", "bdus"), "us"),
    **dict.fromkeys(("ar", "oam", "op", "opm", "opt", "opv", "va", "octa", "oct", "ker", "len", "srf"), "oph"),
    **dict.fromkeys(("ivoct", "es", "sm", "gm", "xc", "dms", "bf"), "light"),
    **dict.fromkeys(("ecg", "eps", "eeg", "emg", "eog"), "elect"),
}
TABLES = frozenset({"table", "tsv", "csv"})  # one table holds many subjects, so it belongs to no visit
_FOLDERS = {"report": "reports", "json": "sidecars"}
_LABEL = re.compile(r"[0-9A-Za-z]+")
_SERIES_LETTERS = 12


def place(facts: ObjectFacts, suffix: str = "") -> str:
    """Return where a released object lies, relative to its data set, with ``/`` between folders.

    The path depends on this object's facts only: never on the order of the intake, nor on what lies there already.

    Args:
        facts: of the released object.
        suffix: what the released file's name ends with, such as ``".nii"``; the usual one of the format by default.

    Raises:
        DataError: a pseudonym is missing or holds anything but letters and digits, the format has no place, or the
            suffix is none of the format's.

    Source: BIDS 1.10, "Source vs. raw vs. derived data"; for the modality folders arXiv:2010.00434 (MIDS).

    Example:
        >>> ct = ObjectFacts("AB", "CD", "EF", "dicom", "CT", "", 0, "", series_uid="2.25.7")
        >>> place(ct)
        'sourcedata/sub-AB/ses-CD/mod-ct/BMQNCOKALEZJ/EF.dcm'
    """
    ending = _suffix(facts.format, suffix)
    key = label(facts.key, "object")
    if facts.format in TABLES:
        return f"sourcedata/tables/{key}{ending}"
    folder = f"sourcedata/{subject_folder(facts)}/{_FOLDERS.get(facts.format) or modality_folder(facts.modality)}"
    if facts.series_uid:
        folder = f"{folder}/{series_label(facts)}"
    return f"{folder}/{key}{ending}"


def subject_folder(facts: ObjectFacts) -> str:
    """Return ``sub-X/ses-Y``, or ``sub-X`` for what belongs to no visit.

    Raises:
        DataError: a pseudonym is missing or holds anything but letters and digits.
    """
    subject = f"sub-{label(facts.subject, 'subject')}"
    return f"{subject}/ses-{label(facts.session, 'session')}" if facts.session else subject


def series_label(facts: ObjectFacts) -> str:
    """Return twelve letters and digits for a series; the series' new UID gives them, so a rerun gives the same.

    An object without a series is a series of its own.

    Example:
        >>> series_label(ObjectFacts("AB", "CD", "EF", "dicom", "CT", "", 0, "", series_uid="2.25.7"))
        'BMQNCOKALEZJ'
    """
    digest = hashlib.sha256((facts.series_uid or f"object:{facts.key}").encode()).digest()
    return base64.b32encode(digest).decode()[:_SERIES_LETTERS]


def modality_folder(modality: str) -> str:
    """Return the MIDS folder of a modality.

    Example:
        >>> modality_folder("CT"), modality_folder("DX"), modality_folder("SM"), modality_folder("")
        ('mod-ct', 'mod-rx', 'mod-light', 'mod-ot')
    """
    name = _plain(modality) or "ot"
    return f"mod-{_GROUPS.get(name, name)}"


def label(value: str, what: str) -> str:
    """Return ``value`` when it may stand after ``sub-``, ``ses-`` and the like.

    Args:
        value: a pseudonym.
        what: what it is of, for the message.

    Raises:
        DataError: it is empty or holds anything but letters and digits; the message does not repeat it.
    """
    if not _LABEL.fullmatch(value) or not value.isascii():
        raise DataError(f"the pseudonym of the {what} can't be a file name", allowed="letters and digits, at least one")
    return value


@dataclass(frozen=True, slots=True)
class ImageName:
    """The name of what is made from a series, all but its run number.

    Args:
        folder: below the data set, such as ``sub-X/ses-Y/mod-ct``.
        before: entities that stand before ``run``, such as ``sub-X_ses-Y_task-rest``.
        after: entities that stand behind it and the closing word, such as ``bp-chest_ct``.
        is_bids: whether BIDS knows such a file; the others are in ``.bidsignore``.
    """

    folder: str
    before: str
    after: str
    is_bids: bool

    @property
    def without_run(self) -> str:
        """What two series of one session must not have in common, or ``run`` tells them apart."""
        return f"{self.folder}/{self.before}_{self.after}"

    def path(self, run: int, suffix: str, chunk: int | None = None) -> str:
        """Return the path below the data set.

        Args:
            run: number among the images of this name.
            suffix: such as ``.nii.gz``, or closing word and suffix in place of the image's, such as ``_channels.tsv``.
            chunk: number among several images that one series gave.

        Example:
            >>> ImageName("sub-X/mod-ct", "sub-X", "bp-chest_ct", False).path(2, ".nii.gz")
            'sub-X/mod-ct/sub-X_run-2_bp-chest_ct.nii.gz'
        """
        entities, _, word = self.after.rpartition("_")
        parts = [self.before, f"run-{run}", entities, "" if chunk is None else f"chunk-{chunk}"]
        closing = suffix if suffix.startswith("_") else f"_{word}{suffix}"
        return f"{self.folder}/{'_'.join(part for part in parts if part)}{closing}"


def image_name(facts: ObjectFacts, *, bids: bool = True) -> ImageName:
    """Return the name of the image that is made from the series of this object.

    Brain MR whose contrast is known gets a BIDS name, and so does EEG; everything else gets the MIDS name: entities
    ``run``, ``bp`` (body part), ``lat`` (laterality), ``vp`` (view), and the modality (MR: the contrast where it is
    known) as closing word.

    Args:
        facts: of any object of the series.
        bids: ``False`` for a MIDS name even where BIDS has one, because a side-car that BIDS demands can't be made.

    Raises:
        DataError: as in :func:`place`.

    Source: BIDS 1.10, file name structure; the templates of MIDS (``_run _bp _vp _<modality>``) and the names of
    BIMCV-COVID19+ (``mod-rx/sub-S…_ses-E…_run-1_bp-chest_vp-pa_dx.png``).

    Example:
        >>> chest = ObjectFacts("A", "B", "K", "dicom", "DX", "", 0, "", body_part="CHEST", view="AP")
        >>> image_name(chest).path(1, ".png")
        'sub-A/ses-B/mod-rx/sub-A_ses-B_run-1_bp-chest_vp-ap_dx.png'
        >>> t1 = ObjectFacts("A", "B", "K", "dicom", "MR", "", 0, "", body_part="BRAIN", description="t1 mprage sag")
        >>> image_name(t1).path(1, ".nii.gz")
        'sub-A/ses-B/anat/sub-A_ses-B_run-1_T1w.nii.gz'
    """
    folder = subject_folder(facts)
    before = folder.replace("/", "_")
    if bids and facts.format in {"edf", "bdf"}:
        return ImageName(f"{folder}/eeg", f"{before}_task-{_task(facts)}", "eeg", True)
    sequence = brain_sequence(facts) if facts.modality.upper() == "MR" else None
    if sequence is not None:
        before = "_".join([before, *sequence.entities])
        if bids and is_brain(facts):
            return ImageName(f"{folder}/{sequence.datatype}", before, sequence.suffix, True)
    parts = (("bp", facts.body_part), ("lat", facts.laterality), ("vp", facts.view))
    entities = [f"{key}-{_plain(value)}" for key, value in parts if _plain(value)]
    modality = _plain(facts.modality) or "ot"
    below = f"{folder}/{modality_folder(modality)}" + (f"/{sequence.datatype}" if sequence is not None else "")
    return ImageName(below, before, "_".join([*entities, sequence.suffix if sequence is not None else modality]), False)


def _task(facts: ObjectFacts) -> str:
    return "rest" if "rest" in f"{facts.description} {facts.protocol}".lower() else "clinical"


def _plain(value: str) -> str:
    """Keep what a BIDS label may hold, in lower case; at most 24 letters, as no defined term is longer."""
    return re.sub(r"[^0-9a-z]", "", value.lower())[:24]


def _suffix(file_format: str, suffix: str) -> str:
    if file_format not in SUFFIXES:
        raise DataError(f"objects of the format '{_plain(file_format)}' have no place", allowed=", ".join(SUFFIXES))
    allowed = SUFFIXES[file_format]
    ending = suffix.lower() or allowed[0]
    if ending not in allowed:
        raise DataError(f"a file of the format {file_format} has another ending", allowed=", ".join(allowed))
    return ending
