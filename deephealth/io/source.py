"""Where the bytes of one item are: a file, or a member of a zip archive that is read without unpacking it."""

from __future__ import annotations

import io
import os
import stat
import threading
import zipfile
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from deephealth.core.errors import DataError, LimitError, MissingDataError, UnreadableFileError
from deephealth.core.units import format_bytes
from deephealth.io.limits import DEFAULT_LIMITS

__all__ = ["Source", "list_members"]

_MARK = ".zip!"
# A picture that deflates better than this is a bomb; small members may (an empty mask in a BMP), they cost nothing.
_MAX_RATIO, _RATIO_FROM_BYTES = 200, 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or a member of a zip archive.

    Args:
        path: the file or the archive.
        member: name inside the archive, with ``/`` between folders; ``None`` for a plain file.

    Example:
        >>> source = Source.parse("data/a.zip!images/x.jpg")
        >>> source.name, str(source)
        ('x.jpg', 'data/a.zip!images/x.jpg')
    """

    path: Path
    member: str | None = None

    @classmethod
    def parse(cls, text: str) -> Source:
        """Return the source that ``text`` names: ``dir/x.jpg``, or ``a.zip!images/x.jpg`` for a member."""
        at = text.lower().find(_MARK)
        if at < 0:
            return cls(Path(text))
        return cls(Path(text[: at + 4]), text[at + len(_MARK) :])

    @property
    def name(self) -> str:
        """The file name alone, such as ``ISIC_0024312.jpg``."""
        return self.path.name if self.member is None else PurePosixPath(self.member).name

    @property
    def stem(self) -> str:
        """The file name without its last suffix, such as ``ISIC_0024312``."""
        return PurePosixPath(self.name).stem

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}!{self.member}"

    def exists(self) -> bool:
        """Return whether the file, or the member, is there."""
        if self.member is None:
            return self.path.is_file()
        try:
            _member_info(self.path, self.member)
        except DataError:
            return False
        return True

    def read_bytes(self, limit: int = DEFAULT_LIMITS.max_bytes) -> bytes:
        """Return the whole content.

        Args:
            limit: largest content, bytes; checked before and while reading.

        Raises:
            MissingDataError: no such file, archive or member.
            UnreadableFileError: not a regular file, no permission, or a damaged archive.
            LimitError: larger than ``limit``, or a zip bomb.
            DataError: the member's name is absolute or climbs out with ``..``.
        """
        if self.member is None:
            return _read_file(self.path, limit)
        return _read_member(self.path, self.member, limit)

    def open(self, limit: int = DEFAULT_LIMITS.max_bytes) -> IO[bytes]:
        """Open for reading in any order: a plain file is read as needed, a member is inflated into memory.

        Raises:
            MissingDataError, UnreadableFileError, LimitError, DataError: as :meth:`read_bytes`.
        """
        if self.member is not None:
            return io.BytesIO(self.read_bytes(limit))
        size = _stat(self.path).st_size
        if size > limit:
            raise _too_large(str(self.path), size, limit)
        return _open_file(self.path)

    def fingerprint(self) -> str:
        """Return a text that changes when the content is replaced, without reading the content.

        A plain file is known by its absolute path, size, and times of modification and of inode change: the last can't
        be set back by ``cp -p`` or ``rsync -t``, so a replaced file is noticed even when its size and date were kept.
        A member is known by the archive's path, its name, size and CRC-32, so adding members leaves the others valid.

        Raises:
            MissingDataError: no such file, archive or member.
            UnreadableFileError: it can't be looked at.
        """
        if self.member is None:
            facts = _stat(self.path)
            return f"{self.path.absolute()}|{facts.st_size}|{facts.st_mtime_ns}|{facts.st_ctime_ns}"
        info = _member_info(self.path, self.member)
        return f"{self.path.absolute()}!{self.member}|{info.file_size}|{info.CRC:08x}"


def list_members(path: Path | str) -> list[str]:
    """Return the names of the files inside a zip archive, in its order; folders are left out.

    Raises:
        MissingDataError: no such archive.
        UnreadableFileError: not a zip archive, or damaged.
        DataError: a member's name is absolute or climbs out with ``..``.
    """
    names = [name for name in _archive(Path(path)).NameToInfo if not name.endswith("/")]
    for name in names:
        _check_member_name(Path(path), name)
    return names


def _stat(path: Path) -> os.stat_result:
    try:
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingDataError(f"no such file: {path}", hint="check the path, or unpack the data set again") from error
    except OSError as error:
        raise UnreadableFileError(f"{path} can't be read: {error.strerror}", hint="check its permissions") from error
    if not stat.S_ISREG(facts.st_mode):
        raise UnreadableFileError(f"{path} is not a file", allowed="a regular file")
    return facts


def _read_file(path: Path, limit: int) -> bytes:
    size = _stat(path).st_size
    if size > limit:
        raise _too_large(str(path), size, limit)
    with _open_file(path) as stream:
        try:
            data = stream.read(min(size, limit) + 1)  # Python allocates what is asked for, not what is there
        except OSError as error:
            raise UnreadableFileError(f"{path} can't be read: {error.strerror}", hint="check the disk") from error
    if len(data) > size:
        raise UnreadableFileError(f"{path} grew while it was read", hint="wait until it is written, then try again")
    return data


def _open_file(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadableFileError(f"{path} can't be read: {error.strerror}", hint="check its permissions") from error


def _too_large(name: str, size: int, limit: int) -> LimitError:
    return LimitError(
        f"{name} holds {format_bytes(size)}",
        allowed=f"at most {format_bytes(limit)}",
        hint="if the file is genuine, make it smaller before using it",
    )


def _check_member_name(path: Path, member: str) -> None:
    parts = PurePosixPath(member.replace("\\", "/")).parts
    if not parts or ".." in parts or parts[0] == "/" or parts[0].endswith(":") or "\x00" in member:
        raise DataError(
            f"the archive {path} has a member named '{member}', which leads outside the archive",
            allowed="relative names without '..'",
            hint="get the archive again from its publisher",
        )


def _member_info(path: Path, member: str) -> zipfile.ZipInfo:
    _check_member_name(path, member)
    try:
        return _archive(path).getinfo(member)
    except KeyError:
        raise MissingDataError(
            f"the archive {path} has no member '{member}'", hint=f"list its members with `unzip -l {path}`"
        ) from None


def _read_member(path: Path, member: str, limit: int) -> bytes:
    info = _member_info(path, member)
    where = f"{path}!{member}"
    if info.file_size > limit:
        raise _too_large(where, info.file_size, limit)
    if info.file_size > _RATIO_FROM_BYTES and info.file_size > _MAX_RATIO * max(info.compress_size, 1):
        raise LimitError(
            f"{where} inflates from {format_bytes(info.compress_size)} to {format_bytes(info.file_size)}: a zip bomb",
            allowed=f"at most {_MAX_RATIO} times its compressed size",
        )
    try:
        with _open_member(path, info) as stream:
            return stream.read(limit + 1)  # zipfile stops at the announced size, so a lying header can't exceed it
    # RuntimeError: encrypted; NotImplementedError: unknown compression
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise UnreadableFileError(f"{where} can't be read: {error}", hint=f"test it with `unzip -t {path}`") from error


def _open_member(path: Path, info: zipfile.ZipInfo) -> IO[bytes]:
    return _archive(path).open(info)


# Open archives of this process. Reading one handle from many threads is safe (zipfile locks around seek + read), but a
# forked child shares the file offset with its parent: the child therefore starts with an empty table and a new lock.
# Handles that fall out are not closed here, since another thread may be reading; they close when nobody holds them.
_MAX_OPEN = 8
_open: OrderedDict[Path, tuple[tuple[int, int, int], zipfile.ZipFile]] = OrderedDict()
_lock = threading.Lock()


def _forget_archives() -> None:
    global _open, _lock
    _open, _lock = OrderedDict(), threading.Lock()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_archives)


def _archive(path: Path) -> zipfile.ZipFile:
    facts = _stat(path)
    signature = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
    with _lock:
        known = _open.get(path)
        if known is not None and known[0] == signature:
            _open.move_to_end(path)
            return known[1]
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise UnreadableFileError(
                f"{path} is not a readable zip archive: {error}", hint="download the archive again"
            ) from error
        _open[path] = (signature, archive)
        while len(_open) > _MAX_OPEN:
            _open.popitem(last=False)
        return archive
