"""Decode files that nobody vouches for in a worker process that may die.

Decoders of pictures are large C libraries, and a file made to break one can crash the process that reads it, or make it
loop or eat all memory. Here a worker process reads the file: it has a limit on memory and on time, and what happens to
it becomes a typed error that names the file. The next call starts a fresh worker.

Nothing that a worker says is trusted: answers are JSON and raw bytes, never pickles; sizes are checked before memory is
taken; errors are rebuilt from the names of this package's own classes. It is no jail: a worker runs as the same user
and sees the same files. For that, run the whole program in a container without network.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from deephealth.core import errors as typed
from deephealth.core.errors import DeepHealthError, LimitError, UnknownNameError, UnreadableFileError
from deephealth.core.units import format_bytes
from deephealth.io.sandbox.wire import Packer, read_frame, unpack, write_frame

__all__ = ["Sandbox", "read_untrusted"]

_MEMORY_BYTES = 2 * 1024**3
_TIMEOUT_S = 60.0
_START_S = 60.0  # to start Python and import the reader's module, on a busy machine too
_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
# sys.path is given: a worker must find what its parent finds, also under pytest or in a notebook
_BOOT = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from deephealth.io.sandbox.worker import serve
serve(int(sys.argv[2]))
"""
_NATIVE = "a decoder broke on it; the file is damaged, or made to break programs"


class Sandbox:
    """Worker processes that call functions on untrusted files; a context manager.

    Workers start with the first call and stay for the next ones. Calls from several threads run side by side, one per
    worker. A worker ends when its sandbox closes, when the program ends however it ends, and when a call goes wrong.

    Args:
        memory_bytes: address space that a worker may take beyond what it has after importing the reader; also the
            largest result. Not enforced on Windows and macOS.
        timeout_s: seconds that one call may take.
        workers: processes, at most.

    Example:
        >>> with Sandbox(timeout_s=30) as box:
        ...     box.call("math:gcd", 12, 18)
        6
    """

    def __init__(self, *, memory_bytes: int = _MEMORY_BYTES, timeout_s: float = _TIMEOUT_S, workers: int = 1) -> None:
        if memory_bytes <= 0 or not timeout_s > 0 or workers < 1:
            msg = f"Sandbox(memory_bytes={memory_bytes}, timeout_s={timeout_s}, workers={workers}): all must be above 0"
            raise ValueError(msg)
        self.memory_bytes, self.timeout_s, self.workers = memory_bytes, timeout_s, workers
        self._closed = False
        self._fill()

    def call(self, function: Callable[..., Any] | str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a function in a worker and return its result.

        Args:
            function: a function at the top level of an importable module, or ``"package.module:name"``, which is not
                imported here.
            args: None, bool, int, float, str, bytes, Path, NumPy arrays of numbers or text, ``Volume``, ``Limits``,
                and lists, tuples and dicts of these.
            kwargs: the same.

        Returns:
            What the function returned: the types that arguments may have. Arrays are copies, and writable.

        Raises:
            UnreadableFileError: the worker crashed or ran out of time, or the function raised something untyped.
            LimitError: it ran out of memory, or its result is larger than ``memory_bytes``.
            DeepHealthError: what the function raised.
            TypeError: not a top-level function, arguments that don't fit it or can't be sent, or such a result.
        """
        reference = _reference(function)
        packer = Packer()
        order = {
            "call": reference,
            "args": packer.pack(list(args)),
            "kwargs": packer.pack(kwargs),
            "memory": self.memory_bytes,
            "seconds": self.timeout_s,
        }
        subject = next((str(arg) for arg in (*args, *kwargs.values()) if isinstance(arg, (str, Path))), reference)
        with self._worker() as worker:
            return worker.ask(order, packer.buffers, subject, self)

    def close(self) -> None:
        """End the workers, after the calls that are under way; closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        if self._pid != os.getpid():  # a forked copy: the workers are the parent's
            return
        for _ in range(self.workers):
            worker = self._slots.get()
            if worker is not None:
                worker.end()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fill(self) -> None:
        self._pid = os.getpid()
        self._slots: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(self.workers):
            self._slots.put(None)

    @contextmanager
    def _worker(self) -> Iterator[_Worker]:
        if self._closed:
            msg = "this sandbox is closed"
            raise ValueError(msg)
        if self._pid != os.getpid():  # after a fork two processes would talk to one worker at once
            self._fill()
        worker = self._slots.get()
        try:
            if worker is None or not worker.alive():
                worker = _Worker()
            yield worker
        finally:
            # whatever went wrong half-way (Ctrl-C too) leaves a worker that would answer the last question next time
            if worker is not None and not worker.idle:
                worker.end()
            self._slots.put(worker if worker is not None and worker.idle else None)


def read_untrusted(reader: str, path: Path | str, *, sandbox: Sandbox | None = None, **options: Any) -> Any:
    """Read a file with one of this package's readers, in a worker that may die.

    Args:
        reader: module and function below ``deephealth.io``, such as ``"raster.read_rgb"`` or ``"dicom.read_pixels"``.
        path: the file.
        sandbox: where; a common one of the program (2 GiB, 60 s per file) when not given.
        options: further arguments of the reader.

    Returns:
        What the reader returns.

    Raises:
        UnknownNameError: no such reader.
        DeepHealthError: as :meth:`Sandbox.call`.

    Example:
        >>> from deephealth.io.raster import write_png
        >>> import tempfile, numpy as np
        >>> folder = tempfile.TemporaryDirectory()
        >>> write_png(Path(folder.name, "grey.png"), np.full((2, 3), 7, np.uint8))
        >>> read_untrusted("raster.read_rgb", Path(folder.name, "grey.png")).shape
        (2, 3, 3)
    """
    module, dot, name = reader.rpartition(".")
    reference = f"deephealth.io.{module}:{name}"
    if not dot or not _REFERENCE.fullmatch(reference):
        raise UnknownNameError("reader", reader, ["raster.read_rgb", "dicom.read_pixels", "nifti.read_nifti"])
    return (sandbox or _common()).call(reference, str(path), **options)


@functools.cache
def _common() -> Sandbox:
    box = Sandbox(workers=min(4, os.cpu_count() or 1))
    atexit.register(box.close)
    return box


def _reference(function: Callable[..., Any] | str) -> str:
    if isinstance(function, str):
        reference = function
    else:
        reference = f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', '')}"
    if not _REFERENCE.fullmatch(reference) or reference.startswith("__main__:"):
        msg = f"{function!r} can't be called in a worker: give a function at the top level of an importable module"
        raise TypeError(msg)
    return reference


class _Worker:
    """The parent's end of one worker process."""

    def __init__(self) -> None:
        environment = dict(os.environ)
        # each arena reserves 128 MiB of address space per thread, which would count against the limit
        environment.setdefault("MALLOC_ARENA_MAX", "2")
        lifeline, held = _lifeline()
        self._held = held
        self.process = subprocess.Popen(  # noqa: S603 - this interpreter, and text of our own
            [sys.executable, "-c", _BOOT, json.dumps(sys.path), str(lifeline)],
            pass_fds=(lifeline,) if lifeline >= 0 else (),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what libraries print about hostile files is not for a log
            env=environment,
        )
        if lifeline >= 0:
            os.close(lifeline)
            _widen(self.process.stdin, self.process.stdout)
        self.idle = True

    def alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout, self._held):
            if stream is not None:
                with suppress(OSError):  # a request that it did not read to the end
                    stream.close()
        self.process.wait()

    def ask(self, order: Mapping[str, Any], buffers: list[Any], subject: str, box: Sandbox) -> Any:
        self.idle = False
        answer = self._exchange(order, buffers, subject, box)
        value = _result(answer, subject, self)
        self.idle = True
        return value

    def _exchange(
        self, order: Mapping[str, Any], buffers: list[Any], subject: str, box: Sandbox
    ) -> tuple[dict[str, Any], list[Any]]:
        requests, answers = self.process.stdin, self.process.stdout
        assert requests is not None and answers is not None  # noqa: S101, PT018 - both are pipes
        phase = "to start"
        try:
            with _deadline(self.process, _START_S) as expired:
                write_frame(requests, dict(order), buffers)
                answer = read_frame(answers, box.memory_bytes)
            if answer is not None and "ready" in answer[0]:
                phase = "to read it"
                with _deadline(self.process, box.timeout_s) as expired:
                    answer = read_frame(answers, box.memory_bytes)
        except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
            if isinstance(error, LimitError):
                raise LimitError(f"{subject}: {error.what}", allowed=error.allowed, hint=error.hint) from None
            answer = None
        if expired.is_set():
            seconds = box.timeout_s if phase == "to read it" else _START_S
            raise UnreadableFileError(
                f"{subject}: the worker needed more than {seconds:g} s {phase}",
                hint="the file is damaged, or raise timeout_s if it is genuine and large",
            )
        if answer is None:
            raise UnreadableFileError(f"{subject}: the worker that read it died: {self._death()}", hint=_NATIVE)
        return answer

    def _death(self) -> str:
        try:
            code = self.process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            return "it sent something that is no answer"
        if code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"


def _lifeline() -> tuple[int, IO[bytes] | None]:
    """Return a pipe: what the worker gets, and what is held here for as long as the worker may live.

    Nothing is ever written to it. When this process ends, its end closes, and the worker is told so by a signal.
    """
    if os.name != "posix":
        return -1, None
    reading, writing = os.pipe()
    return reading, os.fdopen(writing, "wb", buffering=0)


def _widen(*pipes: IO[bytes] | None) -> None:
    """Make pipes hold a mebibyte, where the system can: arrays then cross with fewer switches between processes."""
    import fcntl

    for pipe in pipes:
        if pipe is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
            with suppress(OSError):  # a user's pipes may be full up: it works without
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1024**2)


@contextmanager
def _deadline(process: subprocess.Popen[bytes], seconds: float) -> Iterator[threading.Event]:
    """Kill the process when the block takes longer; the event says so."""
    expired, over, lock = threading.Event(), threading.Event(), threading.Lock()

    def expire() -> None:
        with lock:
            if not over.is_set():
                expired.set()
                process.kill()

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield expired
    finally:
        with lock:
            over.set()
        timer.cancel()


def _result(answer: tuple[dict[str, Any], list[Any]], subject: str, worker: _Worker) -> Any:
    head, buffers = answer
    if "value" in head:
        try:
            return unpack(head["value"], buffers)
        except (ValueError, TypeError, KeyError, IndexError, RecursionError, DeepHealthError) as error:
            raise UnreadableFileError(f"{subject}: the worker that read it sent no result", hint=_NATIVE) from error
    if "memory" in head:  # what is left of its memory is not known, so this worker is given up: it stays not idle
        raise LimitError(
            f"{subject}: reading it takes more memory than the sandbox allows",
            allowed=f"{format_bytes(int(head['memory']))} in the worker",
            hint="raise memory_bytes if the file is genuine",
        )
    worker.idle = True
    raise _rebuilt(head, subject)


def _rebuilt(head: dict[str, Any], subject: str) -> Exception:
    text = str(head.get("what"))
    if head.get("error") == "usage":
        return TypeError(text)
    if head.get("error") == "name":
        return UnknownNameError(text, str(head.get("name")), [str(name) for name in head.get("known", [])])
    names = [name for name in head.get("classes", []) if isinstance(name, str)]
    for name in names:
        kind = getattr(typed, name, None)
        if isinstance(kind, type) and issubclass(kind, DeepHealthError) and kind.__init__ is DeepHealthError.__init__:
            return kind(text, allowed=_text(head.get("allowed")), hint=_text(head.get("hint")))
    return UnreadableFileError(f"{subject} can't be read: {names[0] if names else 'an error'}: {text}", hint=_NATIVE)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
