"""Shared by the tests of the layout."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here cuts the power: waiting for the disk only costs time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
