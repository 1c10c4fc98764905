"""``deephealth lake cohort`` and ``deephealth lake register``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deephealth.cli.lake.options import LakeFolderOption, VaultKeyOption, VaultOption, open_lake

__all__ = ["cohort", "register"]


def cohort(
    name: Annotated[str, typer.Argument(help="Of the cohort: lower-case letters, digits, - and _.")],
    conditions: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="As for find.")] = None,
    lake: LakeFolderOption = None,
    labels: Annotated[str, typer.Option("--labels", help="A label table, or a value that objects carry.")] = "",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the split by patient.")] = 0,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Make a data set to train from: images, labels, splits by patient, and a manifest of every subject in it.

    Example: deephealth lake cohort lesions modality=XC --labels diagnosis --lake build/lake
    """
    from deephealth.cli.console import say
    from deephealth.lake.cohorts import make_verified_cohort
    from deephealth.usecases.progress_bar import bar

    opened = open_lake(lake, vault, key)
    with bar("gathering") as update:
        made = make_verified_cohort(
            opened, " ".join(conditions or []), name=name, labels=labels, seed=seed, progress=update
        )
    counts = made.manifest["counts"]
    shares = ", ".join(f"{split} {sum(of.values())}" for split, of in counts.items())
    say(f"cohort '{name}' -> {made.folder}: {len(made.manifest['subjects'])} subjects, images {shares}")
    if made.unlabelled or made.without_image:
        say(f"left out: {made.unlabelled} images without a label, {made.without_image} objects without an image")
    say(f"next: deephealth train uc12-skin/smoke data.root={made.folder} run.dir=runs/{name}")


def register(
    run: Annotated[Path, typer.Argument(help="Folder of a run that was trained from a cohort.")],
    lake: LakeFolderOption = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Note which subjects a run saw, so that a withdrawal can name the models.

    Example: deephealth lake register runs/lesions --lake build/lake
    """
    from deephealth.cli.console import say
    from deephealth.lake.cohorts import register_audited

    record = register_audited(open_lake(lake, vault, key), run)
    count = sum(map(len, record.subjects.values()))
    say(f"run {record.run} ({record.usecase}) of cohort '{record.cohort}': {count} subjects")
