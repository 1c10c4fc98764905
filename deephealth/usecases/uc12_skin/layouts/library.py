"""The image and mask files of a data set by image id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from deephealth.io.source import Source
from deephealth.usecases.uc12_skin.layouts.findings import Findings
from deephealth.usecases.uc12_skin.layouts.folders import Folder

__all__ = ["Library"]

_SMALLER = "_downsampled"  # ISIC 2019 names its reduced copies ISIC_0000000_downsampled.jpg


class Library:
    """Files by image id; the same id in two folders is one image, and the first folder's file is taken.

    Args:
        kind: ``"image"`` or ``"mask"``, for messages.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._files: dict[str, Source] = {}
        self._twice: Counter[tuple[Path, Path]] = Counter()

    def add(self, folder: Folder, key: Callable[[str], str | None]) -> None:
        """Take the files of a folder.

        Args:
            folder: a listed folder.
            key: file name -> image id, or None for a file that is not one of this library.
        """
        for name, source in folder.files.items():
            image_id = key(name)
            if image_id is None:
                continue
            first = self._files.setdefault(image_id, source)
            if first is not source:
                self._twice[_home(first), _home(source)] += 1

    def report(self, findings: Findings) -> None:
        """Note files that lie in two folders, in one line for each pair of folders."""
        for (first, second), count in self._twice.items():
            message = f"{count} {self.kind}{'s' if count > 1 else ''} also in {first}, from where they are taken"
            findings.warning("duplicate", str(second), message)

    def find(self, image_id: str) -> Source | None:
        """Return the file of an image, or None; ``_downsampled`` may stand in its id or in its file name."""
        found = self._files.get(image_id)
        if found is not None:
            return found
        other = image_id.removesuffix(_SMALLER) if image_id.endswith(_SMALLER) else image_id + _SMALLER
        return self._files.get(other)

    def others(self, known: Iterable[str]) -> list[str]:
        """Return the ids that are not among ``known``, in order of file listing."""
        stems = {image_id.removesuffix(_SMALLER) for image_id in known}
        return [image_id for image_id in self._files if image_id.removesuffix(_SMALLER) not in stems]

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, image_id: str) -> bool:
        return self.find(image_id) is not None


def _home(source: Source) -> Path:
    return source.path if source.member else source.path.parent
