"""Write the tables of docs/how-to/from-pyeddl.md: every name of the EDDL face, and every difference from the original.

    python docs/eddl_pages.py

A test compares the page with what this would write.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from deephealth.eddl.differences import DIFFERENCES, Stance
from deephealth.eddl.inventory import entries

PAGE = Path(__file__).parent / "how-to" / "from-pyeddl.md"
HEADINGS: dict[Stance, str] = {
    "FIX": "Fixed: the original is wrong; strict mode is wrong again",
    "LIFT": "Lifted: the original refuses or crashes; both modes work",
    "REPLACE": "Replaced: hardware and services that are not supported",
    "KEEP": "Kept: unusual but meant; both modes do as the original",
}


def name_page() -> Iterator[str]:
    """Every name with its parameters and its status."""
    for topic, found in itertools.groupby(entries(), key=lambda entry: entry.topic):
        yield f"\n### {topic}\n\n| name | status | what it does |\n|---|---|---|"
        for entry in found:
            why = f" ({'; '.join(entry.differences)})" if entry.status in {"fixed", "lifted", "replaced"} else ""
            yield f"| `{entry.name}{_cell(entry.signature)}` | {entry.status}{why} | {_cell(entry.summary)} |"


def difference_page() -> Iterator[str]:
    """Every difference, by what is done about it."""
    for stance, heading in HEADINGS.items():
        yield f"\n### {heading}\n"
        kept = stance == "KEEP"
        yield "| | what both do | names |" if kept else "| | original | here | names |"
        yield "|---|---|---|" if kept else "|---|---|---|---|"
        for each in DIFFERENCES:
            if each.stance == stance:
                here = "" if kept else f" {each.default} |"
                yield f"| {each.name} | {each.original} |{here} {', '.join(f'`{name}`' for name in each.names)} |"


def _cell(text: str) -> str:
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text.replace("|", "\\|").replace("``", "`"))


def whole_page(text: str) -> str:
    """Return the page with its tables as they are now."""
    for mark, lines in (("differences", difference_page()), ("names", name_page())):
        start, end = re.search(rf"<!-- {mark}: .*?-->\n", text), text.index(f"<!-- /{mark} -->")
        assert start is not None  # noqa: S101 - the marks are in the page
        text = text[: start.end()] + "\n".join(lines).strip("\n") + "\n\n" + text[end:]
    return text


if __name__ == "__main__":
    PAGE.write_text(whole_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
