"""``deephealth data check`` and ``deephealth data generate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Check a data set, or generate one in the real layout.")


@app.command()
def check(
    usecase: Annotated[str, typer.Argument(help="A use case, such as uc12-skin.")],
    root: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    layout: Annotated[str, typer.Option("--layout", help="Name of the layout; default: recognised.")] = "auto",
    headers_only: Annotated[bool, typer.Option("--no-decode", help="Don't decode the files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Say whether a folder is what the use case expects, what is missing, and whether a patient or lesion leaks.

    Exit code 1 when there are errors. Example: deephealth data check uc12-skin ROOT
    """
    from deephealth.cli.console import print_json, say
    from deephealth.usecases.datasets import check_data
    from deephealth.usecases.progress_bar import bar

    with bar("reading files") as update:
        result = check_data(usecase, root, layout=layout, read_files=not headers_only, progress=update)
    if as_json:
        print_json(result.to_dict())
    else:
        say(result.render())
    if not result.ok:
        raise typer.Exit(1)


@app.command()
def generate(
    usecase: Annotated[str, typer.Argument(help="A use case, such as uc12-skin.")],
    root: Annotated[Path, typer.Argument(help="Folder to make.")],
    number: Annotated[int, typer.Option("-n", "--number", min=7, help="How many images.")] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same bytes.")] = 0,
) -> None:
    """Generate a data set in the layout of the real one: for trying things out, never the basis of a claim.

    Example: deephealth data generate uc12-skin build/skin -n 200
    """
    from deephealth.cli.console import say
    from deephealth.usecases.datasets import generate_data
    from deephealth.usecases.progress_bar import bar

    with bar("drawing") as update:
        generate_data(usecase, root, number, seed=seed, progress=update)
    say(f"{number} generated samples -> {root}")
    say(f"next: deephealth train {usecase}/smoke data.root={root} run.dir=runs/{usecase}-try")
