"""Orthanc's anonymisation over its REST interface: a private server on the loopback, started and stopped here."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["available", "run_orthanc"]

# The retired 2008 profile keeps private elements and dates less well: the current one is the better answer.
_KEEP = (
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "ImageComments",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
)


def available() -> bool:
    return shutil.which("Orthanc") is not None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ask(base: str, path: str, body: bytes | None = None, method: str | None = None) -> bytes:
    request = urllib.request.Request(base + path, data=body, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        return bytes(answer.read())


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    port = _free_port()
    settings = {
        "Name": "bench",
        "StorageDirectory": str(folder / "store"),
        "IndexDirectory": str(folder / "store"),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [],
        "StorageCompression": False,
        "OverwriteInstances": True,
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("w") as log:
        server = subprocess.Popen(["Orthanc", str(folder / "orthanc.json")], stdout=log, stderr=log)
        base = f"http://127.0.0.1:{port}"
        try:
            for _ in range(200):
                try:
                    _ask(base, "/system")
                    break
                except (urllib.error.URLError, ConnectionError):
                    time.sleep(0.1)
            yield base
        finally:
            server.terminate()
            server.wait(30)


def run_orthanc(files: list[Path], out: Path, work: Path) -> dict[str, Any]:
    """Send the files, anonymise patient by patient (UIDs stay consistent in a patient), and fetch the results."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    failed = 0
    with _server(work) as base:
        for path in files:
            try:
                _ask(base, "/instances", path.read_bytes())
            except urllib.error.HTTPError:
                failed += 1
        for patient in json.loads(_ask(base, "/patients")):
            asked = {"Keep": [*_KEEP], "KeepPrivateTags": False, "Synchronous": True, "Force": True}
            made = json.loads(_ask(base, f"/patients/{patient}/anonymize", json.dumps(asked).encode()))
            for instance in json.loads(_ask(base, f"/patients/{made['ID']}/instances")):
                (out / f"{instance['ID']}.dcm").write_bytes(_ask(base, f"/instances/{instance['ID']}/file"))
    shutil.rmtree(work, ignore_errors=True)
    return {"failed": failed}
