"""Run a program of the original libraries as ``python PROGRAM …`` would."""

from __future__ import annotations

import contextlib
import importlib
import os
import runpy
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from deephealth.compat.aliases import FORCE_VARIABLE, install
from deephealth.compat.catalogue import LEGACY
from deephealth.core.errors import MissingDataError
from deephealth.core.optional import EXTRAS

__all__ = ["run_program"]

_LIBRARIES = ("cv2", "deflate", "isal", "nibabel", "openslide", "pydicom", "yaml")  # and those of the extras


def run_program(
    program: Path | str, arguments: Sequence[str] = (), *, strict: bool = False, force: bool = False
) -> None:
    """Run a program as the main module, with its own arguments and its folder first on the path.

    The program ends as under plain Python: its exit code stays, and what it raises is printed and gives exit code 1.

    Args:
        program: a Python file (or a folder or zip with a ``__main__.py``).
        arguments: what the program finds in ``sys.argv[1:]``.
        strict: reproduce the original's bugs too.
        force: stand in for the original library even where it is installed.

    Raises:
        MissingDataError: there is no such file.
        SystemExit: as the program did.
    """
    path = Path(program)
    if not path.exists():
        raise MissingDataError(
            f"there is no program {path}",
            allowed="the path of a Python file, then the program's own arguments",
            hint=f"you are in {Path.cwd()}: check the path from there",
        )
    if strict:
        for face in ("EDDL", "ECVL"):
            os.environ[f"DEEPHEALTH_{face}_STRICT"] = "1"  # processes that the program starts see it too
    if force:
        os.environ[FORCE_VARIABLE] = "1"
    _say_who_answers(install())
    sys.argv = [str(path), *arguments]
    if path.is_file():
        _import_first(path.resolve().parent)
        sys.path.insert(0, str(path.resolve().parent))
    try:
        runpy.run_path(str(path), run_name="__main__")
    except Exception as error:
        _print_traceback(error, path)
        raise SystemExit(1) from None


def _import_first(folder: Path) -> None:
    """Import libraries that files beside the program would hide: ``openslide.py`` must not stand for OpenSlide."""
    for name in {*_LIBRARIES, *EXTRAS} & {file.stem for file in folder.glob("*.py")}:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _say_who_answers(taken: Sequence[str]) -> None:
    """Tell on stderr which original libraries are installed and therefore used instead of this package."""
    for package in LEGACY:
        if package.name not in taken:
            sys.stderr.write(
                f"note: {package.name} itself is installed here and is used; --force takes deephealth instead\n"
            )


def _print_traceback(error: BaseException, path: Path) -> None:
    """Print the traceback from the program's first line on, without the frames that started it."""
    frames = error.__traceback__
    while frames is not None and Path(frames.tb_frame.f_code.co_filename) != path:
        frames = frames.tb_next
    traceback.print_exception(type(error), error, frames or error.__traceback__)
