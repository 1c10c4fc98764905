"""The recorder: how long each leg of a run took, and what it used, as JSON lines that survive a crash.

Each leg writes a line when it starts, once a minute while it runs, and when it ends. A leg without an end was cut off;
it counts with the time of its last line. Resuming a run appends to the same file.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deephealth.core.errors import DataError, StorageError, did_you_mean
from deephealth.core.files import storage_errors

__all__ = ["LEGS", "Recorder", "RunningLeg"]

_HEARTBEAT_S = 60.0

LEGS = ("prepare", "tune", "train", "evaluate", "export", "deploy", "report")


class Recorder:
    """Append the legs of a run to ``kpi.jsonl``.

    Args:
        path: the file; its folder is made if missing.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     recorder = Recorder(Path(folder) / "kpi.jsonl")
        ...     with recorder.leg("prepare", items=3):
        ...         total = sum(range(3))
        ...     len(recorder.path.read_text().splitlines())
        2
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()

    @contextmanager
    def leg(self, name: str, *, items: int | None = None, **facts: Any) -> Iterator[RunningLeg]:
        """Time a block.

        Args:
            name: one of ``LEGS``.
            items: how many samples it works through; may also be set while it runs.
            facts: anything else worth keeping, as JSON values.

        Raises:
            DataError: the leg has another name.
            StorageError: the file can't be written.
        """
        if name not in LEGS:
            raise DataError(f"unknown leg '{name}'", allowed=", ".join(LEGS), hint=did_you_mean(name, LEGS))
        leg = RunningLeg(self, name, items)
        self.write({"event": "start", **leg.identity(), "time": _now(), "cores": _cores(), "facts": facts})
        stop = threading.Event()
        pulse = threading.Thread(target=_beat, args=(leg, stop), name="deephealth-kpi", daemon=True)
        pulse.start()
        status = "failed"
        try:
            yield leg
            status = "done"
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        finally:
            stop.set()
            pulse.join()
            leg.write("end", status=status)

    def write(self, line: dict[str, Any]) -> None:
        """Append one line and flush it to the disk.

        Raises:
            StorageError: the disk is full, or the file can't be written.
        """
        data = json.dumps(line, default=str).encode() + b"\n"
        with self._lock, storage_errors(self.path, "recording KPIs"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as stream:
                size = stream.seek(0, os.SEEK_END)
                if size and _last_byte(self.path) != b"\n":
                    data = b"\n" + data  # a crash cut the last line short: start a new one
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())


class RunningLeg:
    """A leg while it runs.

    Args:
        recorder: where its lines go.
        name: of the leg.
        items: how many samples it works through, if known.
    """

    def __init__(self, recorder: Recorder, name: str, items: int | None) -> None:
        self._recorder, self.name, self.items = recorder, name, items
        self._id = uuid.uuid4().hex[:12]
        self._wall, self._cpu = time.perf_counter(), _cpu_seconds()

    def identity(self) -> dict[str, Any]:
        """Return which leg this is."""
        return {"leg": self.name, "id": self._id, "items": self.items}

    def progress(self, items: int | None = None) -> None:
        """Record how far it has got: after a crash the leg counts up to here."""
        self.items = self.items if items is None else items
        self.write("progress")

    def write(self, event: str, **more: Any) -> None:
        """Append a line with everything used so far."""
        used = {
            "wall_s": round(time.perf_counter() - self._wall, 6),
            "cpu_s": round(_cpu_seconds() - self._cpu, 6),
            "peak_rss_bytes": _peak_rss(),
        }
        self._recorder.write({"event": event, **self.identity(), "time": _now(), **used, **more})


def _beat(leg: RunningLeg, stop: threading.Event) -> None:
    """Record once a minute that the leg is alive."""
    while not stop.wait(_HEARTBEAT_S):
        try:
            leg.progress()
        except StorageError:  # the run itself will notice a full disk, where it can be told to the user
            return


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu_seconds() -> float:
    """CPU time of this process and of the worker processes that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak_rss() -> int | None:
    """Largest resident memory of this process so far, bytes; unknown on Windows."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1)
