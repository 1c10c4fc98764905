"""``deephealth lake generate``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["generate"]


def generate(
    folder: Annotated[Path, typer.Argument(help="Folder to make.")],
    number: Annotated[int, typer.Option("-n", "--number", min=7, help="How many photographs.")] = 60,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same bytes.")] = 0,
) -> None:
    """Invent a hospital to try a lake on: drawn dermoscopy photographs as DICOM, with invented patients, and labels.

    Example: deephealth lake generate build/hospital -n 60
    """
    from deephealth.cli.console import say
    from deephealth.data.layout import read_index
    from deephealth.lake.hospital import write_hospital
    from deephealth.usecases.catalogue import USECASES
    from deephealth.usecases.datasets import generate_data
    from deephealth.usecases.progress_bar import bar

    with tempfile.TemporaryDirectory() as drawn, bar("drawing") as update:
        generate_data("uc12-skin", Path(drawn), number, seed=seed, progress=update)
        index = read_index(Path(drawn), USECASES.get("uc12-skin").layouts)
        patients = write_hospital(index.samples, folder, seed=seed, progress=update)
    say(f"{len(index.samples)} photographs of {patients} invented patients -> {folder / 'dicom'}; labels.csv beside")
    say("next: deephealth lake init LAKE --project skin --vault VAULT")
