"""Write the tables of the EDDL face: every name, and every difference from the original."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from deephealth.eddl.differences import DIFFERENCES, Stance
from deephealth.eddl.inventory import entries

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
    return text.replace("|", "\\|").replace("``", "`")
