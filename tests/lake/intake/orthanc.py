"""A private Orthanc with its DICOMweb plug-in on free loopback ports, for one test module."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PLUGINS = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc", "/usr/local/share/orthanc/plugins")


@dataclass
class Orthanc:
    """Where the server listens."""

    dicom_port: int
    http_port: int

    @property
    def dicomweb(self) -> str:
        """Address of the DICOMweb service."""
        return f"http://127.0.0.1:{self.http_port}/dicom-web"


def _plugin() -> Path | None:
    folders = (Path(folder) for folder in PLUGINS)
    return next((found for folder in folders for found in sorted(folder.glob("libOrthancDicomWeb.so*"))), None)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def running_orthanc(folder: Path, users: dict[str, str] | None = None) -> Iterator[Orthanc]:
    """Start a server that keeps its data in ``folder``; skip the test where it is not installed.

    ``users`` are names with their passwords; without any everybody may read.
    """
    program = shutil.which("Orthanc") or shutil.which("orthanc")
    plugin = _plugin()
    if program is None or plugin is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed (Debian: orthanc, orthanc-dicomweb)")
    dicom_port, http_port = _free_ports(2)
    settings = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "DicomPort": dicom_port,
        "HttpPort": http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": bool(users),
        "RegisteredUsers": users or {},
        "DicomAlwaysAllowStore": True,
        "UnknownSopClassAccepted": True,
        "Plugins": [str(plugin)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log)
    try:
        _wait(process, http_port, folder / "orthanc.log")
        yield Orthanc(dicom_port, http_port)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until it answers; asking again is the only way to know."""
    for _ in range(600):
        if process.poll() is not None:
            pytest.fail(f"Orthanc ended: {log.read_text()[-2000:]}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/system", timeout=1).close()
        except urllib.error.HTTPError:
            return  # it asks who we are
        except OSError:
            try:
                process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
        else:
            return
    pytest.fail("Orthanc did not answer in a minute")
