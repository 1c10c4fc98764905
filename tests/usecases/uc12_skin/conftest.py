"""Builders of tiny data sets in the layouts that users have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from deephealth.data.sample import DataIndex


def _encoded(form: str) -> bytes:
    stream = BytesIO()
    Image.new("RGB" if form == "JPEG" else "L", (8, 6), 255).save(stream, form)
    return stream.getvalue()


JPEG, PNG = _encoded("JPEG"), _encoded("PNG")


@pytest.fixture
def put_images(tmp_path: Path) -> Callable[..., Path]:
    """Return ``put(folder, ids, suffix=".jpg")``, which writes a tiny image per id below the test's folder."""

    def put(folder: str, ids: Iterable[str], suffix: str = ".jpg") -> Path:
        target = tmp_path / folder
        target.mkdir(parents=True, exist_ok=True)
        for name in ids:
            (target / f"{name}{suffix}").write_bytes(JPEG if suffix.lower() in (".jpg", ".jpeg") else PNG)
        return target

    return put


@pytest.fixture
def put_table(tmp_path: Path) -> Callable[..., Path]:
    """Return ``put(name, header, *rows)``, which writes a comma-separated table below the test's folder."""

    def put(name: str, header: str, *rows: str, newline: str = "\n") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(newline.join([header, *rows]) + newline, encoding="utf-8")
        return path

    return put


@pytest.fixture
def said() -> Callable[[DataIndex], list[tuple[str, str]]]:
    """Return (severity, kind) of an index's problems, sorted."""
    return lambda index: sorted((problem.severity, problem.kind) for problem in index.problems)
