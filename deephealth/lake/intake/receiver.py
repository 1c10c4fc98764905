"""A DICOM receiver (C-STORE SCP): modalities and archives send, the lake takes in what lies in the spool folder."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from deephealth.core.errors import DataError, StorageError
from deephealth.core.optional import require
from deephealth.lake.intake.spool import Spool

__all__ = ["Receiver"]

# DICOM PS3.4 B.2.3 and PS3.7 C
_SUCCESS, _OUT_OF_RESOURCES, _NOT_AUTHORISED, _CANNOT_UNDERSTAND = 0x0000, 0xA700, 0x0124, 0xC000


class Receiver:
    """Accepts objects over the network and answers only when they are on disk.

    Each object is kept under a new random name, whatever its UIDs are; copies are found out by the intake. Use as a
    context manager, then take the spool in with :class:`deephealth.lake.intake.sources.SpoolSource`.

    Args:
        spool: where objects are kept until they are taken in.
        title: our application entity title, up to 16 characters.
        host: address to listen at; loopback unless told otherwise, because DICOM itself has no passwords.
        port: 0 for any free one.
        senders: application entity titles that may send; anyone may when empty.
        max_bytes: largest object.
        received: called after each object, with their number so far.

    Raises:
        DataError: the address can't be used, or the title is too long.

    Source: DICOM PS3.4 B (storage service class), PS3.8 (upper layer).
    """

    def __init__(
        self,
        spool: Spool,
        *,
        title: str = "DEEPHEALTH",
        host: str = "127.0.0.1",
        port: int = 11112,
        senders: frozenset[str] = frozenset(),
        max_bytes: int = 4 << 30,
        received: Callable[[int], None] | None = None,
    ) -> None:
        if not 0 < len(title.strip()) <= 16 or not title.isascii():
            raise DataError("the application entity title can't be used", allowed="1 to 16 ASCII characters")
        self._spool, self._title, self._address = spool, title.strip(), (host, port)
        self._senders, self._max_bytes, self._received = senders, max_bytes, received
        self._server: Any = None
        self.count = 0

    def __enter__(self) -> Self:
        pynetdicom = require("pynetdicom", purpose="receiving DICOM objects")
        logging.getLogger("pynetdicom").setLevel(logging.ERROR)  # it logs the UIDs and names that it receives
        self._spool.clear()
        entity = pynetdicom.AE(ae_title=self._title)
        entity.require_called_aet = True
        entity.require_calling_aet = sorted(self._senders)
        syntaxes = pynetdicom.ALL_TRANSFER_SYNTAXES
        for context in pynetdicom.AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, syntaxes)
        entity.add_supported_context("1.2.840.10008.1.1")  # verification: C-ECHO
        try:
            self._server = entity.start_server(
                self._address, block=False, evt_handlers=[(pynetdicom.evt.EVT_C_STORE, self._store)]
            )
        except OSError as error:
            raise DataError(
                f"the receiver can't listen at {self._address[0]}:{self._address[1]}: {error.strerror}",
                hint="another program may be listening there: choose another port",
            ) from error
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        if self._server is not None:
            self._server.shutdown()

    @property
    def port(self) -> int:
        """The port that is listened at."""
        return int(self._server.socket.getsockname()[1])

    def _store(self, event: Any) -> int:
        """Keep one object; the sender may delete its own only after success."""
        try:
            encoded = event.encoded_dataset()
        except Exception:
            return _CANNOT_UNDERSTAND
        if len(encoded) > self._max_bytes:
            return _OUT_OF_RESOURCES
        try:
            self._spool.write(uuid.uuid4().hex, [encoded])
        except StorageError:
            return _OUT_OF_RESOURCES
        self.count += 1
        if self._received is not None:
            self._received(self.count)
        return _SUCCESS
