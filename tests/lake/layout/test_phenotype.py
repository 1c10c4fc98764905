"""Tables of many subjects as phenotype files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deephealth.lake.layout.arrange import arrange
from deephealth.lake.layout.bids_validator import bids_validator
from deephealth.lake.layout.phenotype import write_phenotype
from deephealth.lake.layout.tables import DatasetPaper, write_paper, write_tables
from deephealth.lake.layout.tsv import read_tsv
from deephealth.lake.layout.validate import check_layout
from tests.lake.lake_maker import LakeMaker, digits


def test_a_table_becomes_a_valid_phenotype_file(tmp_path: Path) -> None:
    pytest.importorskip("bids_validator_deno")
    pytest.importorskip("dcm2niix")
    maker = LakeMaker(tmp_path)
    one = [maker.series(name, "MR", body_part="BRAIN", description="t1 mprage")[0].facts for name in ("p1", "p2")]
    facts = replace(one[0], subject="", session="", key="TABLE1", format="table", series_uid="")
    stranger = digits("p", "elsewhere")
    text = f'age,patient,note\n40,{one[0].subject},"a, b"\n50,{one[1].subject},\n60,{stranger},c\n'
    maker.add(facts, text.encode(), ".csv")
    maker.add(replace(facts, key="TABLE2"), b"a\tb\n1\t2\n")
    arrange(maker.lake, "demo", maker.entries)
    assert write_phenotype(maker.lake, "demo", maker.entries) == ["phenotype/TABLE1.tsv", "phenotype/TABLE1.json"]
    folder = maker.lake.dataset("demo")
    columns, rows = read_tsv(folder / "phenotype" / "TABLE1.tsv")
    assert columns == ["participant_id", "age", "note"]
    assert [(row["participant_id"], row["age"], row["note"]) for row in rows] == [
        (f"sub-{one[0].subject}", "40", "a, b"),
        (f"sub-{one[1].subject}", "50", "n/a"),
    ]
    write_tables(maker.lake, "demo", maker.entries)
    write_paper(folder, DatasetPaper("Demo", licence="CC0"))
    assert check_layout(folder) == []
    assert bids_validator(folder).errors == ()
    write_phenotype(maker.lake, "demo", [entry for entry in maker.entries if entry.facts.format != "table"])
    assert not list((folder / "phenotype").iterdir())
