"""Write the tables of docs/how-to/from-pyeddl.md and from-pyecvl.md: every name, and every difference.

    python docs/face_pages.py

A test compares the pages with what this would write.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import deephealth.ecvl.differences
import deephealth.ecvl.inventory
import deephealth.eddl.differences
import deephealth.eddl.inventory
from deephealth.core.legacy import Difference, Entry, Stance

FOLDER = Path(__file__).parent / "how-to"
HEADINGS: dict[Stance, str] = {
    "FIX": "Fixed: the original is wrong; strict mode is wrong again",
    "LIFT": "Lifted: the original refuses or crashes; both modes work",
    "REPLACE": "Replaced: hardware and services that are not supported",
    "KEEP": "Kept: unusual but meant; both modes do as the original",
}


@dataclass(frozen=True)
class Page:
    """A page of the documentation with the two tables of a face.

    Args:
        path: the page.
        entries: every name.
        differences: every difference.
    """

    path: Path
    entries: tuple[Entry, ...]
    differences: tuple[Difference, ...]

    def whole(self) -> str:
        """Return the page with its tables as they are now."""
        text = self.path.read_text(encoding="utf-8")
        tables = (("differences", difference_tables(self.differences)), ("names", name_tables(self.entries)))
        for mark, lines in tables:
            start, end = re.search(rf"<!-- {mark}: .*?-->\n", text), text.index(f"<!-- /{mark} -->")
            assert start is not None  # noqa: S101 - the marks are in the page
            text = text[: start.end()] + "\n".join(lines).strip("\n") + "\n\n" + text[end:]
        return text


def pages() -> list[Page]:
    """Return the pages of the two faces."""
    eddl, ecvl = deephealth.eddl, deephealth.ecvl
    return [
        Page(FOLDER / "from-pyeddl.md", tuple(eddl.inventory.entries()), eddl.differences.DIFFERENCES),
        Page(FOLDER / "from-pyecvl.md", tuple(ecvl.inventory.entries()), ecvl.differences.DIFFERENCES),
    ]


def name_tables(entries: Iterable[Entry]) -> Iterator[str]:
    """Every name with its parameters and its status."""
    for topic, found in itertools.groupby(entries, key=lambda entry: entry.topic):
        yield f"\n### {topic}\n\n| name | status | what it does |\n|---|---|---|"
        for entry in found:
            why = f" ({'; '.join(entry.differences)})" if entry.status in {"fixed", "lifted", "replaced"} else ""
            yield f"| `{entry.name}{_cell(entry.signature)}` | {entry.status}{why} | {_cell(entry.summary)} |"


def difference_tables(differences: Iterable[Difference]) -> Iterator[str]:
    """Every difference, by what is done about it."""
    listed = list(differences)
    for stance, heading in HEADINGS.items():
        if all(each.stance != stance for each in listed):
            continue
        yield f"\n### {heading}\n"
        kept = stance == "KEEP"
        yield "| | what both do | names |" if kept else "| | original | here | names |"
        yield "|---|---|---|" if kept else "|---|---|---|---|"
        for each in listed:
            if each.stance == stance:
                here = "" if kept else f" {each.default} |"
                yield f"| {each.name} | {each.original} |{here} {', '.join(f'`{name}`' for name in each.names)} |"


def _cell(text: str) -> str:
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text.replace("|", "\\|").replace("``", "`"))


if __name__ == "__main__":
    for page in pages():
        page.path.write_text(page.whole(), encoding="utf-8")
