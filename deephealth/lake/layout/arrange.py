"""The BIDS/MIDS tree of a data set, made from the objects in ``sourcedata``: resumable, and the same on every run."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from deephealth.core.errors import DeepHealthError, StorageError
from deephealth.core.files import atomic_write, atomic_write_json, below, replacing
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.folder import LakeFolder
from deephealth.lake.layout.convert import Kind, Made, convert, kind_of, link_or_copy
from deephealth.lake.layout.names import ImageName, image_name, subject_folder
from deephealth.lake.layout.published import Published, Series, series_of
from deephealth.lake.layout.tsv import write_tsv
from deephealth.lake.layout.visit_table import IMAGES_FILE, Candidate, VisitTable

__all__ = ["Arranged", "arrange"]


@dataclass(slots=True)
class Arranged:
    """What :func:`arrange` did.

    Args:
        made: files that were made, relative to the data set.
        kept: files that were there already and still belong to the same objects.
        removed: files whose objects are gone or have changed.
        left: reason -> number of images that could not be made; their objects stay in ``sourcedata``.
    """

    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Image:
    label: str
    kind: Kind
    objects: tuple[Published, ...]
    order: tuple[int | str, ...]

    @property
    def digest(self) -> str:
        """Tells whether the objects are still those that the image was made from."""
        text = "\n".join(sorted(f"{one.facts.key} {one.facts.sha256}" for one in self.objects))
        return hashlib.sha256(f"1\n{text}".encode()).hexdigest()[:32]


def arrange(
    lake: LakeFolder,
    dataset: str,
    objects: Iterable[Published],
    *,
    progress: Callable[[int, int], object] | None = None,
) -> Arranged:
    """Make the images of a data set that are missing, and leave those alone that are there.

    After each image the table of its visit is written, with a digest of the objects it was made from; what the table
    does not vouch for is made again. So a killed run goes on where it stopped.

    Args:
        lake: where things lie.
        dataset: name of the data set.
        objects: all published objects (of any data set).
        progress: is called with (visits done, visits in all).

    Raises:
        DataError: a stored table is damaged.
        StorageError: the disk is full.
    """
    visits: dict[str, list[Series]] = defaultdict(list)
    for series in series_of(objects, dataset):
        visits[subject_folder(series.facts)].append(series)
    for table in (lake.dataset(dataset) / "sourcedata").glob(f"sub-*/**/{IMAGES_FILE}"):  # all its objects may be gone
        visits[table.parent.relative_to(lake.dataset(dataset) / "sourcedata").as_posix()] += []
    report = Arranged()
    for done, (visit, members) in enumerate(sorted(visits.items()), 1):
        _Visit(lake, dataset, visit, report).arrange(members)
        if progress is not None:
            progress(done, len(visits))
    return report


class _Visit:
    def __init__(self, lake: LakeFolder, dataset: str, visit: str, report: Arranged) -> None:
        self.lake, self.folder, self.report = lake, lake.dataset(dataset), report
        self.table = VisitTable.load(self.folder / "sourcedata" / visit)

    def arrange(self, members: list[Series]) -> None:
        images = [image for series in members for image in self._images(series)]
        names = {image.label: self._known_name(image) for image in images}
        self.table.assign(Candidate(one.label, names[one.label].without_run, one.order) for one in images)
        self._remove_stale({image.label: image.digest for image in images})
        self.table.save()
        for image in images:
            row = self.table.rows[image.label]
            if row.digest == image.digest and all((self.folder / name).is_file() for name in row.files):
                self.report.kept += row.files
                continue
            try:
                files = self._make(image, names[image.label])
            except StorageError:
                raise
            except DeepHealthError as error:
                self.report.left[f"{image.kind}: {type(error).__name__}"] += 1
                continue
            self.table.record(image.label, image.digest, files)
            if image.kind is Kind.VOLUME:  # the others take less time than writing the table
                self.table.save()
            self.report.made += files
        self.table.save()

    def _images(self, series: Series) -> Iterator[_Image]:
        kind = kind_of(series.facts)
        if kind is Kind.VOLUME:
            images = tuple(one for one in series.objects if kind_of(one.facts) is Kind.VOLUME)
            yield _Image(series.label, kind, images, series.order)
            return
        if kind is Kind.NONE:
            self.report.left[f"none: {series.facts.modality or series.facts.format}"] += 1
        for at, one in enumerate(series.objects):
            if kind is not Kind.NONE and kind_of(one.facts) is kind:
                yield _Image(one.facts.key, kind, (one,), (*series.order, at))

    def _known_name(self, image: _Image) -> ImageName:
        """Return the BIDS name unless an earlier run found that the image does not make a valid BIDS file."""
        name = image_name(image.objects[0].facts)
        other = image_name(image.objects[0].facts, bids=False)
        row = self.table.rows.get(image.label)
        return other if row is not None and row.name == other.without_run else name

    def _remove_stale(self, digests: dict[str, str]) -> None:
        for label, row in list(self.table.rows.items()):
            if row.files and row.digest != digests.get(label):
                for name in row.files:
                    below(self.folder, name).unlink(missing_ok=True)
                self.report.removed += row.files
                self.table.record(label, "", ())

    def _make(self, image: _Image, name: ImageName) -> list[str]:
        sources = [below(self.lake.root, one.path) for one in image.objects]
        with _work_folder(self.lake) as work:
            made = convert(image.kind, sources, name, work)
            if name.is_bids and not _fits_bids(name, made):
                name = image_name(image.objects[0].facts, bids=False)
                self.table.assign([Candidate(image.label, name.without_run, image.order)])
                self.table.save()
            run = self.table.rows[image.label].run
            files = []
            for number, one in enumerate(made, 1):
                known = {**_device(image.objects[0].facts), **one.side_car} if one.side_car else {}
                chunk = number if len(made) > 1 else None
                files += _put(self.folder, replace(one, side_car=known), name, run, chunk)
            return files


def _device(facts: ObjectFacts) -> dict[str, str]:
    """What the header says of the device; dcm2niix leaves out makers that it does not know."""
    said = {
        "Manufacturer": facts.manufacturer,
        "ManufacturersModelName": facts.model,
        "BodyPartExamined": facts.body_part,
    }
    return {key: value for key, value in said.items() if value}


def _put(folder: Path, made: Made, name: ImageName, run: int, chunk: int | None) -> list[str]:
    """Put the files of one image into place; returns their paths below the data set."""
    image = name.path(run, made.suffix, chunk)
    with replacing(folder / image, "putting an image into its place") as temporary:
        link_or_copy(made.image, temporary)
    files = [image]
    for suffix, content in made.extra.items():
        files.append(name.path(run, suffix, chunk))
        atomic_write(folder / files[-1], content)
    for ending, rows in made.tables.items():
        files.append(name.path(run, f"_{ending}", chunk))
        write_tsv(folder / files[-1], rows)
    side_car = dict(made.side_car)
    if name.folder.endswith("/func"):
        side_car["TaskName"] = name.before.rpartition("_task-")[2]
    if side_car or not made.is_link:
        files.append(name.path(run, ".json", chunk))
        atomic_write_json(folder / files[-1], side_car)
    return files


def _fits_bids(name: ImageName, made: list[Made]) -> bool:
    """Tell whether BIDS accepts what came out: one image, of the dimensions and with the side-cars of its kind."""
    datatype = name.folder.rpartition("/")[2]
    if len(made) != 1:
        return False
    one = made[0]
    if datatype == "dwi":
        return {".bval", ".bvec"} <= set(one.extra) and one.dimensions == 4
    if datatype == "func":
        return one.dimensions == 4 and "RepetitionTime" in one.side_car
    return one.dimensions == 3 if datatype == "anat" else True


@contextmanager
def _work_folder(lake: LakeFolder) -> Iterator[Path]:
    folder = lake.staging / f"layout-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
