"""The chain: every line carries a keyed hash over itself and over the hash of the line before it.

Without the key no line can be written, changed, dropped, doubled or moved unnoticed. The end of the chain is kept in a
second file, under a keyed hash too, so that lines cut off at the end are missed.

Source: Schneier and Kelsey, "Secure audit logs to support computer forensics", ACM TISSEC 2 (1999), 159-176.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from typing import Any

from deephealth.core.errors import AuditError

__all__ = ["START", "Chain", "Head", "Link"]

START = "0" * 64  # what the first line names as the one before it
_MARK = b',"mac":"'
_END = len(_MARK) + 64 + 2  # the mark, 64 hexadecimal digits, a quotation mark and a brace


@dataclass(frozen=True, slots=True)
class Link:
    """One line that was proven.

    Args:
        sequence: its number, from 1.
        previous: the hash of the line before.
        mac: its own.
        event: the rest.
    """

    sequence: int
    previous: str
    mac: str
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends.

    Args:
        sequence: number of the last line; 0 before the first.
        mac: its hash.
        file: name of the file it is in.
        size: bytes of that file with it.
    """

    sequence: int = 0
    mac: str = START
    file: str = ""
    size: int = 0


class Chain:
    """Writes and proves lines and heads.

    Args:
        key: 32 bytes, from the vault.

    Raises:
        AuditError: the key has another length.

    Example:
        >>> chain = Chain(bytes(32))
        >>> line, mac = chain.line(1, START, {"kind": "intake"})
        >>> chain.link(line).event, chain.link(line).mac == mac
        ({'kind': 'intake'}, True)
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise AuditError("the audit log's key has a wrong length", allowed="32 bytes, from the vault")
        self._key = key

    def line(self, sequence: int, previous: str, event: dict[str, Any]) -> tuple[bytes, str]:
        """Return a line, with its line feed, and its hash."""
        body = json.dumps({"seq": sequence, "prev": previous, **event}, separators=(",", ":"))[:-1].encode()
        mac = self._mac("line", body)
        return body + _MARK + mac.encode() + b'"}\n', mac

    def link(self, line: bytes) -> Link:
        """Prove one line by itself; its place in the chain is the caller's to check.

        Raises:
            AuditError: it was changed, or written with another key.
        """
        text = line.removesuffix(b"\n")
        body, end = text[:-_END], text[-_END:]
        if end[: len(_MARK)] != _MARK or end[-2:] != b'"}':
            raise AuditError("it is not a line of an audit log")
        mac = end[len(_MARK) : -2].decode("ascii", "replace")
        if not hmac.compare_digest(self._mac("line", body).encode(), mac.encode()):
            raise AuditError("it was changed, or written with another key")
        event = json.loads(body + b"}")
        return Link(event.pop("seq"), event.pop("prev"), mac, event)

    def seal_head(self, head: Head) -> bytes:
        """Return a head with its keyed hash."""
        body = json.dumps(asdict(head), separators=(",", ":"))
        return f"{body}\n{self._mac('head', body.encode())}\n".encode()

    def open_head(self, sealed: bytes) -> Head:
        """Prove a head.

        Raises:
            AuditError: it was changed, or written with another key.
        """
        body, _, rest = sealed.partition(b"\n")
        if not hmac.compare_digest(rest, self._mac("head", body).encode() + b"\n"):
            raise AuditError("the end of the audit log was changed, or the key is another one")
        return Head(**json.loads(body))

    def _mac(self, purpose: str, content: bytes) -> str:
        return hmac.new(self._key, f"deephealth.audit/1 {purpose}\x1f".encode() + content, hashlib.sha256).hexdigest()
