"""Fixtures for all tests: the real data where it is, and no network."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from packaging.version import Version

# before any kernel is imported: without an accelerator Triton's kernels run in its interpreter
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# a busy machine is no reason to fail, and the same commit gives the same examples
settings.register_profile("deephealth", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("deephealth")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Triton's interpreter before 3.8 can't take the length of a loop from a tensor with NumPy 2.5: not our mistake."""
    try:
        return (yield)
    except Exception as error:
        known = "only 0-dimensional arrays can be converted" in str(error)
        if known and Version(metadata.version("triton")) < Version("3.8"):
            pytest.skip("the interpreter of this Triton does not work with this NumPy")
        raise


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real data sets; the test is skipped where it is not mounted."""
    folder = Path(os.environ.get("DEEPHEALTH_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the real data sets are not here: set DEEPHEALTH_SHARED_DATA")
    return folder


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that opens a connection to another machine fails; loopback is for distributed tests."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family in (socket.AF_INET, socket.AF_INET6) and host not in ("127.0.0.1", "localhost", "::1"):
            msg = f"a test tried to connect to {address}"
            raise AssertionError(msg)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    return
