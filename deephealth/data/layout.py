"""Layouts: how a data set lies on disk, who recognises it, and who reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from deephealth.core.errors import DataError, MissingDataError, UnknownLayoutError, UnknownNameError
from deephealth.data.sample import DataIndex

__all__ = ["Layout", "read_index"]


@dataclass(frozen=True, slots=True)
class Layout:
    """A way in which a data set lies on disk.

    Args:
        name: what a config calls it.
        expects: the files and folders, in a few lines; shown to users whose folder was not recognised.
        recognise: whether a folder looks like this layout; cheap, reads no image.
        read: the adapter.
    """

    name: str
    expects: str
    recognise: Callable[[Path], bool]
    read: Callable[[Path], DataIndex]


def read_index(root: Path | str, layouts: Iterable[Layout], layout: str = "auto") -> DataIndex:
    """Find out which layout a folder has, and read it.

    Args:
        root: the folder, or the file that describes the data set.
        layouts: the layouts to try, in order.
        layout: name of one of them, or ``auto`` to take the first that recognises the folder.

    Raises:
        MissingDataError: ``root`` does not exist.
        UnknownNameError: no layout of that name.
        UnknownLayoutError: none recognises the folder; the message shows what each expects.
        DataError: the folder was recognised, and holds no sample.
    """
    root, known = Path(root), list(layouts)
    if not root.exists():
        raise MissingDataError(f"no such folder: {root}", hint="set data.root to the folder of the data set")
    chosen = _recognised(root, known) if layout == "auto" else _named(layout, known)
    index = chosen.read(root)
    if not index.samples:
        raise DataError(
            f"{root} was read as '{chosen.name}' and holds no sample", allowed=_indented(chosen.expects), hint=_FILES
        )
    return index


_FILES = "check that images and tables were unpacked completely"


def _named(name: str, layouts: list[Layout]) -> Layout:
    for layout in layouts:
        if layout.name == name:
            return layout
    raise UnknownNameError("layout", name, ["auto", *(layout.name for layout in layouts)])


def _recognised(root: Path, layouts: list[Layout]) -> Layout:
    for layout in layouts:
        if layout.recognise(root):
            return layout
    shown = "\n".join(f"  {layout.name}:\n{_indented(layout.expects)}" for layout in layouts)
    held = sorted(entry.name for entry in root.iterdir())[:10] if root.is_dir() else [root.name]
    raise UnknownLayoutError(
        f"{root} has none of the known layouts; it holds: {', '.join(held) or 'nothing'}",
        allowed=f"one of\n{shown}",
        hint="set data.root to the folder that holds these, or name one with data.layout=NAME",
    )


def _indented(text: str) -> str:
    return "\n".join(f"      {line}" for line in text.strip().splitlines())
