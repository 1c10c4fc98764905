"""After an intake: images and tables in BIDS/MIDS layout, the index, and the cards."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from deephealth.lake.catalogue.cards import refresh_cards
from deephealth.lake.catalogue.index import write_index
from deephealth.lake.faces.released import without_faces
from deephealth.lake.intake.journal import Journal
from deephealth.lake.layout.arrange import arrange
from deephealth.lake.layout.tables import DatasetPaper, write_paper, write_tables
from deephealth.lake.profile.options import Option

if TYPE_CHECKING:
    from deephealth.lake.lake import Lake
    from deephealth.lake.layout.arrange import Arranged

__all__ = ["arrange_lake"]


def arrange_lake(
    lake: Lake, dataset: str, *, images: bool = True, progress: Callable[[int, int], object] | None = None
) -> Arranged | None:
    """Bring a data set's images, tables, the lake's index and its cards up to what the journal says.

    Each part is made anew or kept as a whole, so it may be interrupted and called again.

    Args:
        lake: the lake; its vault is not needed.
        dataset: name of the data set.
        images: whether NIfTI and PNG files are made; else only tables, index and cards.
        progress: called with visits done and all visits.

    Raises:
        MissingDataError: nothing was taken in yet.
        StorageError: the disk is full.
    """
    with Journal(lake.folder.journal, create=False) as journal:
        arranged = None
        if images:
            published = journal.published(dataset)
            if Option.CLEAN_FEATURES in lake.settings.options:
                published = without_faces(published)  # an intake that was killed may not have defaced them yet
            arranged = arrange(lake.folder, dataset, published, progress=progress)
        write_tables(lake.folder, dataset, journal.published(dataset))
        _describe(lake, dataset)
        write_index(lake.folder, journal.published())
    refresh_cards(lake.folder, dataset)
    return arranged


def _describe(lake: Lake, dataset: str) -> None:
    """Write the data set's description, unless a person has written one."""
    folder = lake.folder.dataset(dataset)
    if (folder / "dataset_description.json").exists():
        return
    done = tuple(f"{option.value} {option.meaning}" for option in sorted(lake.settings.options))
    text = f"Data set of the project '{lake.settings.project}', de-identified on its way into the data lake."
    paper = DatasetPaper(dataset, text, de_identification=done)
    write_paper(folder, paper, change="first intake")
