"""The sandbox: results and errors cross over whole; whatever a worker does, the caller gets a typed error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import (
    ConfigError,
    DataError,
    DeepHealthError,
    LimitError,
    MissingDataError,
    UnknownNameError,
    UnreadableFileError,
)
from deephealth.io.limits import Limits
from deephealth.io.raster import read_rgb, write_png
from deephealth.io.sandbox import Sandbox, read_untrusted
from deephealth.io.sandbox import box as sandbox_box
from deephealth.io.volume import Volume

MIB = 1024**2

# what the worker imports; it stands in a folder on sys.path, as a user's own reader would
ABUSE = """
import ctypes, os, sys, time
import numpy as np
from deephealth.core.errors import ConfigError, DataError
from deephealth.io.volume import Volume

class OwnError(DataError):
    pass

def echo(value, *more, **named):
    return value

def crash(path):
    ctypes.string_at(1)

def leave(path):
    os._exit(3)

def loop(path):
    while True:
        time.sleep(0.01)

def loop_in_c(path):
    ctypes.CDLL(None).sleep(60)

def eat(path, count):
    return np.ones(count, np.uint8)

def typed(path):
    raise OwnError(f"{path} is odd", allowed="even", hint="add one")

def many(path):
    raise ConfigError(["a: wrong", "b: worse"])

def untyped(path):
    raise ZeroDivisionError("by nought")

def prints(path):
    print("noise on standard output")
    os.write(1, b"more noise")
    return sys.stdin.read()

def pid():
    return os.getpid()

def volume(path):
    return Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.diag([1.0, 2.0, 3.0, 1.0]), {"a": [1, "x"]}, "HU")

def odd():
    return object()
"""


@pytest.fixture(scope="module")
def abuse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "abuse.py").write_text(ABUSE)
    sys.path.insert(0, str(folder))
    yield "abuse"
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def box(abuse: str) -> Iterator[Sandbox]:
    with Sandbox(memory_bytes=256 * MIB, timeout_s=20) as made:
        yield made


def assert_same(got: Any, wanted: Any) -> None:
    if isinstance(wanted, np.ndarray):
        assert got.dtype == wanted.dtype
        assert got.shape == wanted.shape
        np.testing.assert_array_equal(got, wanted)
    elif isinstance(wanted, (list, tuple)):
        assert type(got) is type(wanted)
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            assert_same(one, other)
    elif isinstance(wanted, dict):
        assert list(got) == list(wanted)
        assert_same(list(got.values()), list(wanted.values()))
    else:
        assert type(got) is type(wanted)
        assert got == wanted


ARRAYS = st.sampled_from(["u1", "<i2", ">f4", "<f8", "?", "<c8", "<U3", "S4", "<i8"]).flatmap(
    lambda dtype: st.lists(st.integers(0, 3), max_size=3).map(lambda shape: np.ones(shape, dtype))
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | ARRAYS
    | st.just(Path("/a/b"))
    | st.just(Limits(max_pixels=7)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=8,
)


@given(VALUES)
def test_values_cross_over_whole(box: Sandbox, value: Any) -> None:
    assert_same(box.call("abuse:echo", value), value)


def test_fortran_order_and_views_cross_over(box: Sandbox) -> None:
    array = np.arange(24).reshape(4, 6)[::2, ::-1].T
    got = box.call("abuse:echo", array)
    np.testing.assert_array_equal(got, array)
    got[0, 0] = 5  # writable


def test_a_volume_keeps_its_affine_and_meta(box: Sandbox) -> None:
    got = box.call("abuse:volume", "a.nii")
    assert isinstance(got, Volume)
    np.testing.assert_array_equal(got.affine, np.diag([1.0, 2.0, 3.0, 1.0]))
    assert (got.shape, got.meta, got.unit, got.data.dtype) == ((2, 3, 4), {"a": [1, "x"]}, "HU", np.int16)


def test_reads_what_the_reader_reads(tmp_path: Path, box: Sandbox) -> None:
    path = tmp_path / "a.png"
    write_png(path, np.random.default_rng(0).integers(0, 255, (9, 7, 3), np.uint8))
    np.testing.assert_array_equal(box.call(read_rgb, path), read_rgb(path))
    np.testing.assert_array_equal(read_untrusted("raster.read_rgb", path, sandbox=box), read_rgb(path))
    with pytest.raises(LimitError, match=r"a\.png"):
        box.call(read_rgb, path, limits=Limits(max_pixels=10))


@pytest.mark.parametrize(
    ("function", "reason"),
    [("crash", "SIGSEGV"), ("leave", "exit code 3"), ("untyped", "ZeroDivisionError: by nought")],
)
def test_a_worker_that_breaks_names_the_file(box: Sandbox, function: str, reason: str) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        box.call(f"abuse:{function}", "scan 7.dcm")
    assert "scan 7.dcm" in str(caught.value)
    assert reason in str(caught.value)
    assert caught.value.hint
    assert box.call("abuse:echo", 5) == 5  # the next call works


@pytest.mark.parametrize("function", ["loop", "loop_in_c"])
def test_a_worker_that_hangs_is_killed(abuse: str, function: str) -> None:
    with Sandbox(timeout_s=0.3) as box:
        box.call("abuse:pid")
        start = time.monotonic()
        with pytest.raises(UnreadableFileError, match=r"a\.dcm: the worker needed more than 0\.3 s"):
            box.call(f"abuse:{function}", "a.dcm")
        assert time.monotonic() - start < 5
        assert box.call("abuse:echo", 5) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
def test_a_worker_that_takes_too_much_memory(box: Sandbox) -> None:
    with pytest.raises(LimitError, match=r"bomb\.tif.*\n.*256"):
        box.call("abuse:eat", "bomb.tif", 300 * MIB)
    assert box.call("abuse:eat", "a.tif", 100 * MIB).nbytes == 100 * MIB


def test_typed_errors_arrive_as_they_were(box: Sandbox) -> None:
    with pytest.raises(DataError) as caught:
        box.call("abuse:typed", "a.png")
    error = caught.value
    assert (error.what, error.allowed, error.hint) == ("a.png is odd", "even", "add one")
    with pytest.raises(MissingDataError, match="no such file: /nowhere"):
        box.call(read_rgb, "/nowhere")
    with pytest.raises(DeepHealthError, match="b: worse") as other:
        box.call("abuse:many", "a.yml")
    assert not isinstance(other.value, ConfigError)  # its list of problems did not cross over


def test_a_worker_lives_from_call_to_call(box: Sandbox) -> None:
    with pytest.raises(MissingDataError):  # a typed error is no reason for a new worker
        box.call(read_rgb, "/nowhere")
    assert box.call("abuse:pid") == box.call("abuse:pid")


def test_what_libraries_print_does_not_disturb(box: Sandbox) -> None:
    assert box.call("abuse:prints", "a") == ""
    assert box.call("abuse:echo", 5) == 5


@pytest.mark.parametrize("function", [lambda: 1, Path.exists, "abuse", "abuse:", "os;x:y", "__main__:f", 7])
def test_only_top_level_functions(function: Any) -> None:
    with Sandbox() as box, pytest.raises(TypeError, match="top level of an importable module"):
        box.call(function)


def test_wrong_arguments_are_the_callers_mistake(box: Sandbox) -> None:
    with pytest.raises(TypeError, match=r"pid.*too many"):
        box.call("abuse:pid", 1)
    with pytest.raises(TypeError, match="a object can't pass"):
        box.call("abuse:echo", object())
    with pytest.raises(TypeError, match="can't pass"):
        box.call("abuse:echo", np.array([object()]))
    with pytest.raises(TypeError, match="can't pass"):
        box.call("abuse:odd")


@pytest.mark.parametrize("reader", ["raster.read_rbg", "rster.read_rgb", "read_rgb", "raster.a:b", "..core.x"])
def test_unknown_readers(box: Sandbox, reader: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        read_untrusted(reader, "a.png", sandbox=box)
    assert caught.value.hint


@pytest.mark.parametrize("wrong", [{"memory_bytes": 0}, {"timeout_s": 0}, {"timeout_s": float("nan")}, {"workers": 0}])
def test_wrong_bounds(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Sandbox(**wrong)


def test_a_closed_sandbox_says_so(abuse: str) -> None:
    box = Sandbox()
    pid = box.call("abuse:pid")
    box.close()
    box.close()
    with pytest.raises(ValueError, match="closed"):
        box.call("abuse:pid")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_threads_work_side_by_side(abuse: str) -> None:
    with Sandbox(workers=2, timeout_s=30) as box:
        got: dict[int, Any] = {}
        threads = [threading.Thread(target=lambda n=n: got.update({n: box.call("abuse:echo", n)})) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert got == {n: n for n in range(6)}


def test_a_worker_that_was_killed_meanwhile_is_replaced(abuse: str) -> None:
    with Sandbox() as box:
        os.kill(box.call("abuse:pid"), signal.SIGKILL)
        time.sleep(0.1)
        assert box.call("abuse:echo", 5) == 5


LIES = [
    {"value": ["array", "|O", [1], 0], "sizes": [8]},
    {"value": ["array", "<f8", [1 << 40], 0], "sizes": [8]},
    {"value": ["array", "<f8", [-1, -1], 0], "sizes": [8]},
    {"value": ["array", "|u1", [8], 5], "sizes": [8]},
    {"value": ["volume", [1, 2]], "sizes": []},
    {"value": ["exec", "1"], "sizes": []},
    {"value": {"a": 1}, "sizes": []},
    {"value": 1, "sizes": [-5]},
    {"value": 1, "sizes": [1 << 50]},
    {"value": 1, "sizes": "x"},
    {"value": 1},
    {"error": "typed", "classes": ["SystemExit", "os.system"], "what": 5, "sizes": []},
    {"error": "typed", "classes": ["did_you_mean"], "what": "x", "sizes": []},
    {},
    [],
    7,
]


@pytest.mark.parametrize("lie", LIES)
def test_a_worker_that_lies(monkeypatch: pytest.MonkeyPatch, lie: Any) -> None:
    """A decoder that was taken over can send what it likes: the caller gets a typed error, and no more."""
    code = textwrap.dedent(f"""
        import json, struct, sys
        out = sys.stdout.buffer
        for frame in ({{"ready": True, "sizes": []}}, {lie!r}):
            text = json.dumps(frame).encode()
            out.write(struct.pack("<I", len(text)) + text)
        out.write(bytes(64))
        out.flush()
        sys.stdin.buffer.read()
    """)
    monkeypatch.setattr(sandbox_box, "_BOOT", code)
    with Sandbox() as box, pytest.raises((UnreadableFileError, LimitError), match=r"a\.png"):
        box.call(read_rgb, "a.png")


@pytest.mark.skipif(os.name != "posix", reason="signals of pipes")
@pytest.mark.parametrize("function", ["loop", "loop_in_c"])
def test_workers_end_when_the_program_is_killed(abuse: str, tmp_path: Path, function: str) -> None:
    """Also in the middle of a call, and inside a C library that never looks up."""
    note = tmp_path / "pid"
    code = f"""
import sys; sys.path[:] = {sys.path!r}
from pathlib import Path
from deephealth.io.sandbox import Sandbox
box = Sandbox(timeout_s=100)
Path({str(note)!r}).write_text(str(box.call("abuse:pid")))
box.call("abuse:{function}", "a")
"""
    program = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    worker = int(note.read_text())
    os.kill(worker, 0)  # still there
    program.kill()
    program.wait()
    while time.monotonic() < deadline:
        try:
            os.kill(worker, 0)
            state = Path(f"/proc/{worker}/stat")
            if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
                return  # ended; whoever inherited it has not looked yet
        except ProcessLookupError:
            return
        time.sleep(0.02)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker outlived the program")
