"""Loading and saving: EDDL's own ``.bin``, tables as text, pictures, and NumPy's ``.npy``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from deephealth.core.errors import DataError, StorageError
from deephealth.eddl.errors import EddlError
from deephealth.eddl.tensor.formats import numpy_file, pictures, tables
from deephealth.eddl.tensor.storage import Storage
from deephealth.io.eddl_bin import decode_bin, read_bin, read_bin_rows, write_bin

__all__ = ["Files"]

_READERS: dict[str, Callable[[Path], np.ndarray]] = {
    "bin": read_bin,
    "npy": numpy_file.read_npy,
    **{name: tables.reader(name) for name in tables.DELIMITERS},
    **dict.fromkeys(pictures.READABLE, pictures.read_picture),
}
_WRITERS: dict[str, Callable[[Path, np.ndarray], None]] = {
    "bin": write_bin,
    "npy": numpy_file.write_npy,
    **{name: tables.writer(name) for name in tables.DELIMITERS},
    **{name: pictures.writer(name) for name in pictures.WRITABLE},
}


def _format(title: str, name: str, wanted: str, known: dict[str, Any]) -> str:
    chosen = (wanted or Path(name).suffix).lower().removeprefix(".")
    if chosen in known:
        return chosen
    what = f"files of the format '{chosen}' can't be {'read' if known is _READERS else 'written'}"
    hint = "np.load(file) gives its arrays, and Tensor.fromarray(array) a tensor" if chosen == "npz" else None
    raise EddlError(title, what, allowed=", ".join(sorted(known)), hint=hint)


@contextmanager
def _as_eddl_error(title: str) -> Iterator[None]:
    """Turn what the readers and writers raise into the ``RuntimeError`` that EDDL's users catch."""
    try:
        yield
    except (DataError, StorageError) as error:
        raise EddlError(title, error.what, allowed=error.allowed, hint=error.hint) from error
    except (ValueError, OSError) as error:
        raise EddlError(title, str(error)) from error


class Files(Storage):
    """Loading and saving."""

    @classmethod
    def load(cls, fname: str | Path, format: str = "") -> Self:
        """Read a tensor from a file.

        Args:
            fname: file. ``bin``: EDDL's own format. ``csv``, ``tsv``, ``txt``: a table of numbers. ``png``, ``jpg``,
                ``bmp``, ``tga`` and other pictures: channels x height x width, 0 to 255. ``npy``: NumPy's format.
            format: one of these names, when the file's own suffix is another.

        Raises:
            EddlError: no such file, an unknown format, or a damaged file.

        Example:
            >>> import tempfile
            >>> from deephealth.eddl.tensor import Tensor
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     Tensor.ones([2, 3]).save(folder + "/a.bin")
            ...     Tensor.load(folder + "/a.bin").shape
            [2, 3]
        """
        path = Path(fname)
        if not path.is_file():
            hint = "check the file name and try again"
            raise EddlError("Tensor::load", f"file not found: {fname}", hint=hint)
        reader = _READERS[_format("Tensor::load", str(fname), format, _READERS)]
        with _as_eddl_error("Tensor::load"):
            return cls.from_torch(torch.from_numpy(reader(path)))

    @classmethod
    def load_partial(cls, fname: str | Path, start_row: int, end_row: int) -> Self:
        """Read some rows of a ``.bin`` file; the rest is not read.

        Args:
            fname: file.
            start_row: first row.
            end_row: the row to stop before; below 0 for all that follow.

        Raises:
            EddlError: no such file or rows, another format, or a damaged file.

        Example:
            >>> import tempfile
            >>> from deephealth.eddl.tensor import Tensor
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     Tensor.fromarray([1, 2, 3]).save(folder + "/a.bin")
            ...     Tensor.load_partial(folder + "/a.bin", 1, 3).getdata().tolist()
            [2.0, 3.0]
        """
        if Path(fname).suffix.lower() != ".bin":
            raise EddlError("Tensor::load_partial", f"{fname} is read as a whole only", allowed="a .bin file")
        with _as_eddl_error("Tensor::load_partial"):
            return cls.from_torch(torch.from_numpy(read_bin_rows(fname, start_row, end_row)))

    @classmethod
    def load_from_ptr(cls, src: bytes) -> Self:
        """Return the tensor of a ``.bin`` record in memory.

        Args:
            src: the record's bytes. (The original took an address, which can't be checked.)

        Raises:
            EddlError: truncated, or no record.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.load_from_ptr(bytes.fromhex("01000000010000000000803f")).sum()
            1.0
        """
        if not isinstance(src, bytes | bytearray | memoryview):
            what = f"{type(src).__name__} is no memory that can be read safely"
            raise EddlError("Tensor::load_from_ptr", what, allowed="bytes")
        with _as_eddl_error("Tensor::load_from_ptr"):
            return cls.from_torch(torch.from_numpy(decode_bin(bytes(src))))

    def save(self, fname: str | Path, format: str = "") -> None:
        """Write the tensor to a file; readers never see half of it.

        Args:
            fname: file, in a folder that exists; see :meth:`load` for the formats. A table needs two dimensions, a
                picture height x width or 1 to 4 channels x height x width (fractions are cut off).
            format: name of the format, when the file's own suffix is another.

        Raises:
            EddlError: an unknown format, a shape that the format can't hold, no such folder, or no room.
        """
        path = Path(fname)
        writer = _WRITERS[_format("Tensor::save", str(fname), format, _WRITERS)]
        if not path.parent.is_dir():
            raise EddlError("Tensor::save", f"there is no folder {path.parent}", hint="make it first")
        with _as_eddl_error("Tensor::save"):
            writer(path, self.torch.detach().cpu().numpy())

    def save2txt(self, fname: str | Path, delimiter: str = " ", header: Sequence[str] = ()) -> None:
        r"""Write a matrix as text.

        Args:
            fname: file.
            delimiter: what stands between two numbers.
            header: names of the columns for a first line; none when empty.

        Raises:
            EddlError: not two dimensions, or it can't be written.

        Example:
            >>> import pathlib, tempfile
            >>> from deephealth.eddl.tensor import Tensor
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     Tensor.ones([1, 2]).save2txt(folder + "/a.txt", ";", ["x", "y"])
            ...     pathlib.Path(folder, "a.txt").read_text()
            'x;y\n1;1\n'
        """
        with _as_eddl_error("Tensor::save2txt"):
            tables.write_table(Path(fname), self.torch.detach().cpu().numpy(), delimiter, header)
