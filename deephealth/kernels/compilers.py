"""How the hot spots are compiled, and which version of a kernel a call takes.

Every kernel has three versions: a **reference** in plain torch (any device, any dtype, differentiable: the definition
of what is right), a **compiled** one for processors (numba: one pass over the data, no temporaries of its size), and a
**triton** one for accelerators. A call takes the compiled version for tensors in main memory and the reference for all
others. Triton runs when asked for (:func:`using`, or ``DEEPHEALTH_KERNELS=triton``): no kernel is on by default on
an accelerator before it was measured there.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import numba
import torch

from deephealth.core.errors import ConfigError, DeviceError, did_you_mean

__all__ = ["VERSIONS", "compiled", "inlined", "interpreting", "on_cores", "tl", "triton", "use", "using", "version_for"]

Version = Literal["reference", "compiled", "triton"]
T = TypeVar("T")

VERSIONS = ("auto", "reference", "compiled", "triton")
_VARIABLE = "DEEPHEALTH_KERNELS"
# Sums may be reordered and products fused; NaN and infinity keep their meaning, since bad input must stay visible.
_FAST_MATH = {"reassoc", "contract", "arcp", "nsz", "afn"}


class _NoTriton:
    """Stands in where Triton can't be installed, so that the modules of the kernels can be imported."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return args[0] if args and callable(args[0]) else self


if importlib.util.find_spec("triton") is not None:
    import triton
    import triton.language as tl
else:
    triton = tl = _NoTriton()


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of NumPy arrays for the processor: without the GIL, and kept on disk for the next process."""
    return numba.njit(nogil=True, cache=True, fastmath=_FAST_MATH, error_model="numpy")(function)  # type: ignore[no-any-return]


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a small function that is put into its callers, so that their loops are vectorised through it."""
    return numba.njit(nogil=True, cache=True, fastmath=_FAST_MATH, error_model="numpy", inline="always")(function)  # type: ignore[no-any-return]


class _Choice:
    """What the program chose last; a ``with`` block holds for its own thread's calls too, since there is one choice."""

    name: str | None = None


def use(version: str) -> None:
    """Choose the version that all calls take from now on.

    Args:
        version: ``auto``, ``reference``, ``compiled`` or ``triton``.

    Raises:
        ConfigError: no such version.
    """
    _Choice.name = _known(version, "use()")


@contextmanager
def using(version: str) -> Iterator[None]:
    """Choose a version inside a ``with`` block.

    Example:
        >>> with using("reference"):
        ...     version_for(torch.zeros(1))
        'reference'
        >>> version_for(torch.zeros(1))
        'compiled'
    """
    before = _Choice.name
    use(version)
    try:
        yield
    finally:
        _Choice.name = before


def version_for(*tensors: torch.Tensor) -> Version:
    """Return which version a call on these tensors takes.

    Raises:
        ConfigError: the environment names a version that does not exist.
        DeviceError: the tensors lie on several devices, or the version that was chosen can't run where they are.
    """
    devices = {tensor.device for tensor in tensors}
    if len(devices) > 1:
        raise DeviceError(
            f"the tensors lie on {', '.join(sorted(map(str, devices)))}",
            allowed="one device for all",
            hint="move them with tensor.to(device)",
        )
    kind = next(iter(devices)).type
    chosen = _Choice.name or _known(os.environ.get(_VARIABLE) or "auto", _VARIABLE)
    if chosen == "auto":
        return "compiled" if kind == "cpu" else "reference"
    if chosen == "compiled" and kind != "cpu":
        return "reference"
    if chosen == "triton":
        _check_triton(kind)
    return chosen  # type: ignore[return-value]


def interpreting() -> bool:
    """Return whether Triton's kernels run in its interpreter, on the processor: for tests."""
    return os.environ.get("TRITON_INTERPRET", "0") == "1"


def on_cores(run: Callable[[int, int], T], count: int, grain: int) -> list[T]:
    """Call ``run(first, last)`` on stretches of ``range(count)`` on all of torch's threads, and return what they gave.

    The stretches depend on ``grain`` alone, so the result of a reduction does not depend on the number of threads. In a
    DataLoader's worker torch has one thread, and all of it runs in the caller.

    Args:
        run: releases the GIL (a :func:`compiled` function); gets the first and one past the last index of a stretch.
        count: how many there are.
        grain: length of a stretch.

    Example:
        >>> on_cores(lambda first, last: (first, last), 5, 2)
        [(0, 2), (2, 4), (4, 5)]
    """
    grain = max(1, grain)
    starts = range(0, count, grain)
    found: list[Any] = [None] * len(starts)
    turns = iter(range(len(starts)))  # next() on it is atomic: each stretch is taken once

    def work() -> None:
        for turn in turns:
            found[turn] = run(starts[turn], min(starts[turn] + grain, count))

    helpers: list[Future[None]] = []
    if len(starts) > 1 and not getattr(_INSIDE, "on", False):
        helpers = [_pool().submit(_marked, work) for _ in range(min(torch.get_num_threads(), len(starts)) - 1)]
    try:
        work()
    finally:
        for helper in helpers:
            helper.cancel()  # one that has not begun finds nothing left to do
    for helper in helpers:
        if not helper.cancelled():
            helper.result()
    return found


def _marked(work: Callable[[], None]) -> None:
    _INSIDE.on = True  # a kernel called from a helper must not wait for helpers
    try:
        work()
    finally:
        _INSIDE.on = False


_INSIDE = threading.local()
_POOLS: dict[int, ThreadPoolExecutor] = {}  # by process: threads do not survive a fork


def _pool() -> ThreadPoolExecutor:
    process = os.getpid()
    if process not in _POOLS:
        _POOLS.clear()
        _POOLS[process] = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) - 1), thread_name_prefix="kernel")
    return _POOLS[process]


def _known(version: str, where: str) -> str:
    if version not in VERSIONS:
        raise ConfigError(
            [f"{where}: there is no version '{version}'; {did_you_mean(version, VERSIONS)}"], source="the kernels"
        )
    return version


def _check_triton(kind: str) -> None:
    if isinstance(triton, _NoTriton):
        raise DeviceError("Triton is not installed", hint="pip install triton, or choose kernels 'auto'")
    if kind == "cpu" and not interpreting():
        raise DeviceError(
            "Triton kernels need an accelerator, and the tensors lie in main memory",
            hint="move them there, or choose kernels 'auto'; TRITON_INTERPRET=1 runs them slowly, for tests",
        )
