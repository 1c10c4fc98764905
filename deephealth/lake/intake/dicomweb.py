"""A DICOMweb server, such as Orthanc, as a source: listed with QIDO-RS, fetched one by one with WADO-RS."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from deephealth.core.errors import DataError, MissingDataError
from deephealth.core.optional import require
from deephealth.lake.intake.sources import Incoming
from deephealth.lake.intake.spool import Spool
from deephealth.lake.reasons import Reason

__all__ = ["DicomWebSource"]

_PAGE = 500
_UID = re.compile(r"[0-9.]{1,64}")
_STUDY, _SERIES, _INSTANCE = "0020000D", "0020000E", "00080018"
_ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'  # as stored: nothing is transcoded
_NOT_A_UID = "the server gave an identifier that is none"


class DicomWebSource:
    """All instances of a server, or of the studies that match a filter.

    Args:
        url: of the DICOMweb service, such as ``http://localhost:8042/dicom-web``.
        spool: where instances are kept until they are taken in; default: a private folder in the user's cache, the
            same for the same server, so that a resumed intake finds what was fetched.
        filters: of the study search, by keyword, such as ``{"ModalitiesInStudy": "CT"}``.
        user: name and password for basic authentication.
        verify: whether the server's certificate is checked, or a file with the certificates that are trusted.
        seconds: patience with the server.

    Raises:
        DataError: the server does not answer.

    Source: DICOM PS3.18 10.4 (retrieve), 10.6 (search).
    """

    def __init__(
        self,
        url: str,
        spool: Spool | None = None,
        *,
        filters: dict[str, str] | None = None,
        user: tuple[str, str] | None = None,
        verify: bool | str = True,
        seconds: float = 60.0,
    ) -> None:
        requests = require("requests", purpose="reading from a DICOMweb server")
        web = require("dicomweb_client.web", purpose="reading from a DICOMweb server")
        for name in ("dicomweb_client", "urllib3"):  # they log the UIDs and addresses that they ask for
            logging.getLogger(name).setLevel(logging.ERROR)
        self.url, self.name = url.rstrip("/"), f"dicomweb:{url.rstrip('/')}"
        self.skipped: Counter[str] = Counter()
        self._spool, self._filters, self._seconds = spool or Spool.of(self.name), filters or {}, seconds
        self._session = requests.Session()
        self._session.verify, self._session.auth = verify, user
        self._client = web.DICOMwebClient(self.url, session=self._session, permissive_uid=True, timeout=seconds)
        self._client.set_http_retry_params(max_attempts=3, wait_exponential_multiplier=500)
        self._spool.clear()

    def __iter__(self) -> Iterator[Incoming]:
        for study in self._all(self._client.search_for_studies, _STUDY, search_filters=self._filters):
            for series in self._all(self._client.search_for_series, _SERIES, study_instance_uid=study):
                for item in self._all(
                    self._client.search_for_instances,
                    _INSTANCE,
                    study_instance_uid=study,
                    series_instance_uid=series,
                ):
                    yield _incoming(study, series, item)

    def _all(self, search: Callable[..., list[dict[str, Any]]], tag: str, **query: Any) -> Iterator[str]:
        """Page through a search; a server that ignores the page's number does not trap us."""
        seen: set[str] = set()
        if not all(_UID.fullmatch(value) for key, value in query.items() if key.endswith("_uid")):
            self.skipped["not-a-uid"] += 1
            return
        while True:
            page = self._asked(lambda: search(limit=_PAGE, offset=len(seen), **query))
            uids = [uid for entry in page if (uid := _value(entry, tag)) not in seen]
            yield from (uid for uid in dict.fromkeys(uids))
            seen.update(uids)
            if len(page) < _PAGE or not uids:
                return

    def path(self, locator: str) -> Path:
        """Return the instance's file; it is fetched if it is not there yet.

        Raises:
            MissingDataError: the server does not have it any more.
            DataError: the server does not answer; the intake stops and can be resumed.
            StorageError: the disk is full.
        """
        path = self._spool.path(locator)
        if not path.is_file():
            self._fetch(locator)
        return path

    def _fetch(self, locator: str) -> None:
        study, series, item = locator.split("/")
        url = f"{self.url}/studies/{study}/series/{series}/instances/{item}"
        answer = self._asked(
            lambda: self._session.get(url, headers={"Accept": _ACCEPT}, stream=True, timeout=self._seconds)
        )
        with answer:
            if answer.status_code in (404, 410):
                raise MissingDataError("the server does not have an instance any more that it had listed")
            if answer.status_code != 200:
                raise _unwilling(f"status {answer.status_code}")
            with self._spool.writing(locator) as stream:
                for piece in self._pieces(answer):
                    stream.write(piece)

    def _pieces(self, answer: Any) -> Iterator[bytes]:
        pieces = answer.iter_content(1 << 20)
        kind = answer.headers.get("Content-Type", "")
        found = re.search(r'boundary="?([^";]+)"?', kind)
        if "multipart" not in kind.lower() or found is None:
            first = _only_part(pieces, None)
        else:
            first = _only_part(pieces, found.group(1).encode())
        while True:
            try:
                piece = next(first, None)
            except Exception as error:
                raise _unwilling(type(error).__name__) from None
            if piece is None:
                return
            yield piece

    def done(self, locator: str) -> None:
        """Delete the copy."""
        self._spool.path(locator).unlink(missing_ok=True)

    def _asked(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except Exception as error:  # the client raises requests', urllib3's and its own; their texts hold addresses
            status = getattr(getattr(error, "response", None), "status_code", None)
            raise _unwilling(f"status {status}" if status else type(error).__name__) from None


def _only_part(pieces: Iterator[bytes], boundary: bytes | None) -> Iterator[bytes]:
    """Yield the content of the one part of a multipart message, holding back what may be its end."""
    if boundary is None:
        yield from pieces
        return
    head, end = bytearray(), b"\r\n--" + boundary
    for piece in pieces:
        head += piece
        if b"\r\n\r\n" in head:
            break
    held = bytes(head.partition(b"\r\n\r\n")[2])
    for piece in pieces:
        if end in held:
            break
        keep = max(0, len(held) - len(end))
        yield held[:keep]
        held = held[keep:] + piece
    yield held.rpartition(end)[0] if end in held else held


def _incoming(study: str, series: str, item: str) -> Incoming:
    locator = f"{study}/{series}/{item}"
    if not _UID.fullmatch(item):
        return Incoming(f"refused:{locator}", refused=Reason.HOSTILE, what=_NOT_A_UID)
    return Incoming(locator)


def _value(entry: dict[str, Any], tag: str) -> str:
    values = entry.get(tag, {}).get("Value") or [""]
    return str(values[0]).strip(" \0")


def _unwilling(what: str) -> DataError:
    return DataError(
        f"the DICOMweb server did not answer as it should ({what})",
        hint="is the server running, and the address and the password right? Then run the same command again",
    )
