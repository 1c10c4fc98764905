"""Give damaged files to the readers, in a worker that may die, and sort what happens."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from types import TracebackType

from deephealth.core.errors import LimitError, UnreadableFileError
from deephealth.io.sandbox import Sandbox
from tests.fuzz.mutations import mutate, mutate_text
from tests.fuzz.seeds import make_seeds

__all__ = ["Finding", "Fuzzer"]

REPOSITORY = Path(__file__).resolve().parents[2]
MEMORY_BYTES = 512 * 1024**2
TIMEOUT_S = 5.0
_LARGEST = 4 * 1024**2  # repetitions of repetitions would make files that are no test of anything
_FOLDERS = ("series",)  # read with the other seeds beside it
_TEXT = ("yaml", "augmentation")


@dataclass(frozen=True)
class Finding:
    """Something that must not happen: ``crash``, ``hang``, ``memory`` or ``untyped``.

    Args:
        kind: which.
        file: the file that did it.
        detail: signal, error and place.
    """

    kind: str
    file: Path
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.file}: {self.detail}"


class Fuzzer:
    """The seeds of one format, and a worker that reads files of it; a context manager.

    Args:
        name: the format, a key of ``seeds.FORMATS``.
        keep: folder for files that did something; they are deleted when not given.
    """

    def __init__(self, name: str, keep: Path | None = None) -> None:
        if str(REPOSITORY) not in sys.path:  # the worker imports the targets by name
            sys.path.insert(0, str(REPOSITORY))
        self.name, self.keep = name, keep
        self.readers = name
        self.counts: dict[str, int] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self.paths = make_seeds(name, self._folder / "seeds")
        self.seeds = [path.read_bytes() for path in self.paths]
        self._number = 0
        self._box: Sandbox | None = None
        self.readable = 0

    def __enter__(self) -> Fuzzer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def damaged(self, random: Random) -> tuple[str, bytes]:
        """Return the name and the bytes of a new damaged file."""
        index = random.randrange(len(self.seeds))
        data = self.seeds[index]
        if self.name in _TEXT:
            made = mutate_text(random, data)
        else:
            made = mutate(random, data, self.name, others=tuple(self.seeds))
        return self.paths[index].name, made[:_LARGEST]

    def check(self, name: str, data: bytes) -> Finding | None:
        """Return what went wrong with one file, or ``None``. What goes wrong is tried again with a fresh worker."""
        found = self._once(name, data)
        if found is None:
            return None
        first = found
        self._drop()
        found = self._once(name, data)
        if found is None:
            self._count("not again")
            return None if first.kind in ("memory", "hang") else first  # a busy machine, memory of earlier files
        if self.keep is not None:
            self.keep.mkdir(parents=True, exist_ok=True)
            kept = self.keep / f"{self.name}-{found.file.name}"
            kept.write_bytes(data)
            return replace(found, file=kept)
        return found

    def _once(self, name: str, data: bytes) -> Finding | None:
        self._number += 1
        folder = self._folder / "case"  # a folder of its own: some readers look at the files beside theirs
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        path = folder / f"{self._number}-{name}"
        path.write_bytes(data)
        if self.name in _FOLDERS:
            for sound in self.paths:
                if sound.name != name:
                    shutil.copy(sound, folder)
        worker = self._worker()
        start = time.monotonic()
        try:
            answer = worker.call("tests.fuzz.targets:run_case", self.readers, str(path))
        except LimitError as error:
            self._drop()
            answer = {"outcome": "memory", "reader": "", "detail": error.what}
        except UnreadableFileError as error:
            self._drop()
            kind = "hang" if "needed more than" in error.what else "crash"
            answer = {"outcome": kind, "reader": "", "detail": error.what.partition(": ")[2]}
        outcome = answer["outcome"]
        self._count(outcome)
        if outcome in ("read", "refused"):
            return None
        seconds = time.monotonic() - start
        return Finding(outcome, path, f"{answer['reader']} {answer['detail']} ({seconds:.1f} s)")

    def _worker(self) -> Sandbox:
        if self._box is None:
            self._box = Sandbox(memory_bytes=16 * MEMORY_BYTES, timeout_s=60)
            self.readable = self._box.call("tests.fuzz.warm:warm", self.name, [str(path) for path in self.paths])
            self._box.memory_bytes, self._box.timeout_s = MEMORY_BYTES, TIMEOUT_S
        return self._box

    def _drop(self) -> None:
        if self._box is not None:
            self._box.close()
        self._box = None

    def _count(self, outcome: str) -> None:
        self.counts[outcome] = self.counts.get(outcome, 0) + 1
