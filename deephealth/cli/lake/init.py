"""``deephealth lake init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deephealth.cli.lake.options import Accept, ProfileOptions

__all__ = ["init"]


def init(
    folder: Annotated[Path, typer.Argument(metavar="LAKE", help="A new folder.")],
    project: Annotated[str, typer.Option("--project", help="Lower-case letters, digits and hyphens.")],
    vault: Annotated[
        str, typer.Option("--vault", envvar="DEEPHEALTH_VAULT", help="A file outside the lake, or postgresql://...")
    ],
    key: Annotated[
        Path | None,
        typer.Option("--vault-key", envvar="DEEPHEALTH_VAULT_KEY", help="Key file; made if missing."),
    ] = None,
    options: ProfileOptions = None,
    accept: Accept = None,
    consent: Annotated[str, typer.Option("--consent", help="opt-out, or required.")] = "opt-out",
) -> None:
    """Make a data lake, and its vault and key where there are none yet.

    Example: deephealth lake init build/lake --project chest --vault build/vault/chest.vault
    """
    from deephealth.cli.console import say
    from deephealth.lake.lake import Lake
    from deephealth.lake.profile.options import parse_options
    from deephealth.lake.settings import LakeSettings

    settings = LakeSettings(
        project, options=parse_options(options or ["research"]), accept=frozenset(accept or ()), consent=consent
    )
    lake = Lake.create(folder, settings, vault=vault, key_file=key)
    say(f"lake of project '{project}' -> {folder}")
    say(f"vault -> {vault}; its key -> {lake.key_place}: keep both, apart from each other and from the lake")
    say("profile: " + ", ".join(option.keyword for option in sorted(settings.options)))
    say(f"next: deephealth lake intake SOURCE --lake {folder}")
