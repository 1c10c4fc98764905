"""Which source a user means: a folder, a file, a DICOMDIR, a DICOMweb server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deephealth.core.errors import DataError, MissingDataError
from deephealth.lake.intake.sources import FolderSource, Source

__all__ = ["open_source"]


def open_source(text: str, *, user: tuple[str, str] | None = None, filters: Mapping[str, str] | None = None) -> Source:
    """Return the source that a user's words name.

    Args:
        text: a folder; one file; a file called ``DICOMDIR``; an address such as ``http://localhost:8042/dicom-web``.
        user: name and password at a server; default: what ``.netrc`` says of it, if anything.
        filters: of the studies at a server, by DICOM keyword, such as ``{"ModalitiesInStudy": "CT"}``.

    Raises:
        MissingDataError: there is no such folder or file.
        DataError: a user or a filter for something that is no server.
    """
    if text.startswith(("http://", "https://")):
        from deephealth.lake.intake.dicomweb import DicomWebSource

        return DicomWebSource(text, user=user, filters=dict(filters or {}))
    if user or filters:
        raise DataError(
            "only a server has users and filters", allowed="with an address that begins with http:// or https://"
        )
    path = Path(text)
    if path.name.upper() == "DICOMDIR" and path.is_file():
        from deephealth.lake.intake.dicomdir import DicomdirSource

        return DicomdirSource(path)
    if not path.is_dir() and not path.is_file():
        allowed = "a folder, a file, a DICOMDIR, or a DICOMweb address"
        raise MissingDataError(f"{path} is no folder and no file", allowed=allowed, hint="check the path")
    return FolderSource(path)
