"""The data of a use case: found on disk, checked, generated, dealt to splits, fed to a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.config import Config
from deephealth.core.errors import ConfigError, DataError, MissingDataError
from deephealth.usecases.catalogue import USECASES

if TYPE_CHECKING:
    from deephealth.data.check import CheckReport
    from deephealth.data.datamodule import ImageDataModule
    from deephealth.data.sample import DataIndex
    from deephealth.data.split import Split

__all__ = ["check_data", "generate_data", "make_datamodule", "read_data"]

Progress = Callable[[int, int], object]


def check_data(
    usecase: str, root: Path, *, layout: str = "auto", read_files: bool = True, progress: Progress | None = None
) -> CheckReport:
    """Say whether a folder is what a use case expects.

    Args:
        usecase: registered name.
        root: folder of the data set.
        layout: name of a layout, or ``"auto"``.
        read_files: also decode every file.
        progress: called with (done, total).

    Raises:
        MissingDataError: no such folder.
        UnknownLayoutError: not a layout that the use case reads.
    """
    from deephealth.data.check import check
    from deephealth.data.layout import read_index

    index = read_index(root, USECASES.get(usecase).layouts, layout)
    return check(index, read_files=read_files, progress=progress)


def generate_data(usecase: str, root: Path, number: int, *, seed: int = 0, progress: Progress | None = None) -> Path:
    """Draw a data set in a layout of the use case's real one.

    Args:
        usecase: registered name.
        root: folder to make.
        number: how many samples.
        seed: the same seed gives the same bytes.
        progress: called with (done, total).
    """
    return USECASES.get(usecase).generator()(root, number, seed=seed, progress=progress)


def read_data(config: Config) -> DataIndex:
    """Read the index of the data set that a configuration names.

    Raises:
        ConfigError: ``data.root`` is not given.
        MissingDataError: no such folder.
        UnknownLayoutError: not a layout that the use case reads.
        DataError: the data set contradicts itself: a label without its image, two labels for one image, ...
    """
    from deephealth.data.layout import read_index

    usecase = USECASES.get(config.usecase)
    if config.data.root is None:
        raise ConfigError(
            [
                "data.root: missing; add data.root=FOLDER of the data set "
                f"(or make one: deephealth data generate {config.usecase} FOLDER -n 200)"
            ]
        )
    if config.task not in usecase.tasks:
        raise ConfigError([f"task: {config.usecase} has no task '{config.task}'; it has {', '.join(usecase.tasks)}"])
    index = read_index(config.data.root, usecase.layouts, config.data.layout)
    _refuse_errors(index)
    return index


def _refuse_errors(index: DataIndex) -> None:
    """Nothing is trained or measured on a data set that contradicts itself."""
    errors = [problem for problem in index.problems if problem.severity == "error"]
    if not errors:
        return
    kind = MissingDataError if all(problem.kind == "missing-image" for problem in errors) else DataError
    shown = "\n".join(f"  {problem.where}: {problem.message}" for problem in errors[:10])
    more = f"\n  and {len(errors) - 10} more" if len(errors) > 10 else ""
    raise kind(
        f"{len(errors)} error{'s' if len(errors) > 1 else ''} in the data set {index.root}:\n{shown}{more}",
        hint="mend or remove these entries; `deephealth data check` lists everything",
    )


def make_datamodule(
    config: Config, index: DataIndex, split: Split, *, progress: Progress | None = None
) -> ImageDataModule:
    """Build the data module of a run.

    Args:
        config: of the run.
        index: the data set.
        split: who trains, who validates, who tests.
        progress: called with (done, total) while pictures are decoded.
    """
    from deephealth.data.cache import RasterCache, default_cache_folder
    from deephealth.data.datamodule import ImageDataModule
    from deephealth.transforms.catalogue import AUGMENTATIONS

    augment = None
    if not config.trainer.overfit:
        augment = AUGMENTATIONS.get(config.data.augment.name)(**config.data.augment.parameters)
    cache = RasterCache(config.data.cache_dir or default_cache_folder()) if config.data.cache else None
    return ImageDataModule(
        split,
        index.classes,
        config.data,
        task=config.task,
        seed=config.seed,
        cache=cache,
        augment=augment,
        overfit=config.trainer.overfit,
        progress=progress,
    )
