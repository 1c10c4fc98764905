"""The worker of a sandbox: it answers requests from standard input until that closes."""

from __future__ import annotations

import importlib.util
import inspect
import math
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from deephealth.core.errors import DeepHealthError
from deephealth.io.sandbox.wire import Packer, read_frame, unpack, write_frame

__all__ = ["serve"]


def serve(lifeline: int) -> None:
    """Answer requests from standard input until it closes.

    Args:
        lifeline: descriptor of a pipe that closes when the parent ends; below 0 if there is none.
    """
    _follow_parent(lifeline)
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)  # a library that prints, or reads, must not disturb the conversation
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches the whole group: the parent decides
    seen: dict[str, int] = {}
    while True:
        request = read_frame(requests, sys.maxsize)
        if request is None:
            return
        try:
            _answer(request, answers, seen)
        except BrokenPipeError:
            return


def _answer(request: tuple[dict[str, Any], list[Any]], answers: IO[bytes], seen: dict[str, int]) -> None:
    order, buffers = request
    packer = Packer()
    try:
        function = _resolve(order["call"])
        args, kwargs = unpack(order["args"], buffers), unpack(order["kwargs"], buffers)
        _check_arguments(function, args, kwargs)
        write_frame(answers, {"ready": True}, [])
        _limit(order, seen)
        answer = {"value": packer.pack(function(*args, **kwargs))}
    except MemoryError:
        answer = {"memory": order["memory"]}
    except Exception as error:
        answer = _describe(error)
    write_frame(answers, answer, packer.buffers if "value" in answer else [])


def _resolve(reference: str) -> Callable[..., Any]:
    home, _, name = reference.partition(":")
    if home.startswith("deephealth.io.") and importlib.util.find_spec(home) is None:
        raise _NoFunctionError("module of readers", home, _siblings())
    module = importlib.import_module(home)
    function = getattr(module, name, None)
    if not callable(function):
        raise _NoFunctionError(f"function of {home}", name, getattr(module, "__all__", ()))
    return function  # type: ignore[no-any-return]


def _siblings() -> list[str]:
    return [
        f"deephealth.io.{entry.stem}" for entry in Path(__file__).parent.parent.iterdir() if entry.stem[0] not in "_."
    ]


def _check_arguments(function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> None:
    try:
        signature = inspect.signature(function)
    except ValueError:  # written in C without one
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        msg = f"{function.__module__}.{function.__qualname__}: {error}"
        raise _UsageError(msg) from None


class _NoFunctionError(Exception):
    def __init__(self, kind: str, name: str, known: Sequence[str]) -> None:
        super().__init__(f"unknown {kind} '{name}'")
        self.kind, self.name, self.known = kind, name, list(known)


class _UsageError(TypeError):
    """The caller's mistake, told apart from a TypeError that a reader raises on some file."""


def _describe(error: Exception) -> dict[str, Any]:
    if isinstance(error, _UsageError) or (isinstance(error, TypeError) and "can't pass between" in str(error)):
        return {"error": "usage", "what": str(error)}
    classes = [kind.__name__ for kind in type(error).__mro__]
    if isinstance(error, _NoFunctionError):
        return {"error": "name", "what": error.kind, "name": error.name, "known": error.known}
    if isinstance(error, DeepHealthError):
        return {"error": "typed", "classes": classes, "what": error.what, "allowed": error.allowed, "hint": error.hint}
    return {"error": "untyped", "classes": classes[:1], "what": str(error)[:2000]}


def _limit(order: Mapping[str, Any], seen: dict[str, int]) -> None:
    """Bound the memory and CPU time of this process from here on; what a new module took is not counted."""
    if os.name != "posix":
        return
    import resource

    home = order["call"]
    if home not in seen and Path("/proc/self/statm").exists():
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + order["memory"], resource.RLIM_INFINITY))
        seen[home] = taken
    used = resource.getrusage(resource.RUSAGE_SELF)
    # a backstop for a parent that is stopped or gone; threads of a decoder each count
    seconds = used.ru_utime + used.ru_stime + order["seconds"] * (os.cpu_count() or 1) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _follow_parent(lifeline: int) -> None:
    """End this process at once when the parent goes away, even from inside a C library that loops.

    The system then signals the closed pipe with SIGIO, whose default action is to end the process. It must be a pipe to
    which nothing is written: the signal also announces data, and comes at any time after the write.
    """
    if lifeline < 0:
        return
    import fcntl

    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
