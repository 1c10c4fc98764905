"""``deephealth train``."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["train"]


def train(
    source: Annotated[
        str, typer.Argument(metavar="NAME|CONFIG", help="A use case, a shipped configuration or a YAML file.")
    ],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Changes to it.")] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the merged configuration and stop.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="One batch of everything, kept nowhere.")] = False,
    overfit: Annotated[
        int | None,
        typer.Option("--overfit", min=1, help="Train on the first N samples: the loss must fall to nothing."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where run.dir stopped, if it holds a run.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")] = False,
) -> None:
    """Train, then evaluate on the test split and write the report.

    Example: deephealth train uc12-skin data.root=ROOT run.dir=runs/skin trainer.max_epochs=3
    """
    from deephealth.cli.console import say
    from deephealth.config import dump_config, load_config
    from deephealth.usecases.vocabulary import vocabulary

    changes = list(overrides or [])
    changes += [f"trainer.overfit={overfit}"] if overfit else []
    changes += ["trainer.progress=false"] if quiet else []
    config = load_config(source, changes, vocabulary=vocabulary())
    if print_config:
        say(dump_config(config).rstrip())
        return
    from deephealth.cli.summary import say_outcome
    from deephealth.usecases.training import dry_run as run_dry
    from deephealth.usecases.training import train_run

    if dry_run:
        say(f"dry run went through: {run_dry(config)}")
        return
    say_outcome(train_run(config, resume=resume))
