"""Score a de-identified set against its answer key; nothing of deephealth is used.

    python scripts/bench/deid/score.py SET OUTPUT [--mapping uids.csv --patients patients.csv] [--quarantined N]

Prints right/required per class, the overall share, lost objects and what the byte scan found. Objects that were put in
quarantine (their number is told with ``--quarantined``) are left out of the shares; once more objects are missing than
that, every action of a missing object counts as wrong.
"""

from __future__ import annotations

import argparse
import collections
import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from score_actions import CLASSES, judge
from score_match import Answers, Maps, Output, derive_maps, match, read_answers, read_outputs
from score_pixels import hidden, kept
from score_scan import Scanner

__all__ = ["print_score", "score"]


def score(
    folder: Path,
    output: Path,
    mapping: Path | None = None,
    patients: Path | None = None,
    *,
    quarantined: int = 0,
    scan: bool = True,
) -> dict[str, Any]:
    """Return the score of an output folder: classes, overall share, lost objects, leaks, the first mistakes."""
    answers = read_answers(folder)
    outputs = read_outputs(output)
    matched, spare = match(answers, outputs, mapping)
    maps = derive_maps(answers, matched, mapping, patients)
    classes = {name: [0, 0] for name in CLASSES}
    wrong: list[dict[str, Any]] = []
    missing = [record for record in answers.objects if record["uid"] not in matched]
    lost = max(0, len(missing) - quarantined)
    for record in answers.objects:
        if record["uid"] in matched:
            _object(answers, record, matched[record["uid"]], maps, classes, wrong)
        elif lost:
            for action in record["actions"]:
                classes[action["class"]][1] += 1
    right, required = (sum(pair[index] for pair in classes.values()) for index in (0, 1))
    result: dict[str, Any] = {
        "objects": len(answers.objects),
        "delivered": len(matched),
        "missing": len(missing),
        "quarantined": quarantined,
        "lost": lost,
        "unmatched_outputs": len(spare),
        "classes": classes,
        "right": right,
        "required": required,
        "overall": right / max(required, 1),
        "wrong": wrong,
    }
    result["missing_modalities"] = dict(collections.Counter(record["modality"] for record in missing))
    result["missing_paths"] = [record["path"] for record in missing]
    if scan:
        result |= _scan(answers, outputs, matched)
    return result


def _object(
    answers: Answers,
    record: dict[str, Any],
    output: Output,
    maps: Maps,
    classes: dict[str, list[int]],
    wrong: list[dict[str, Any]],
) -> None:
    masks = answers.folder / "key" / "masks" / f"{record['uid']}.npz"
    strokes = dict(np.load(masks)) if masks.exists() else {}
    for action in record["actions"]:
        if action["class"].startswith("pixels"):
            done, seen = _pixels(answers, record, action, output, strokes), []
        else:
            done, seen = judge(action, output.ds, maps, record["subject"])
        classes[action["class"]][0] += done
        classes[action["class"]][1] += 1
        if not done:
            wrong.append(
                {
                    "object": record["path"],
                    "output": output.relative,
                    "modality": record["modality"],
                    **action,
                    "found": seen,
                }
            )


def _pixels(
    answers: Answers, record: dict[str, Any], action: dict[str, Any], output: Output, strokes: dict[str, Any]
) -> bool:
    if action["class"] == "pixels_hidden":
        return hidden(output.ds, action["box"], strokes[f"m{action['mask']}"], action["text"])
    boxes = [one["box"] for one in record["actions"] if one["class"] == "pixels_hidden"]
    original = pydicom.dcmread(answers.folder / "data" / record["path"]) if boxes else None
    return kept(original, output.ds, action["value"][0], boxes)


def _scan(answers: Answers, outputs: list[Output], matched: dict[str, Output]) -> dict[str, Any]:
    scanner = Scanner(answers)
    owner = {id(one): uid for uid, one in matched.items()}
    records = {record["uid"]: record for record in answers.objects}
    leaks = []
    for output in outputs:
        record = records.get(owner.get(id(output), ""))
        uids: set[str] = set()
        if record:
            uids = {
                value for action in record["actions"] if action["class"] == "uid_changed" for value in action["value"]
            }
        leaks += scanner.scan(output, record["subject"] if record else None, uids)
    identifiers = [leak for leak in leaks if leak[2] != "uid"]
    return {
        "leaks": len(identifiers),
        "leaked_identifiers": len({leak[1] for leak in identifiers}),
        "leaking_files": len({leak[0] for leak in identifiers}),
        "leaked_uids": len({leak[1] for leak in leaks if leak[2] == "uid"}),
        "leak_list": leaks[:2000],
    }


def print_score(result: dict[str, Any], *, mistakes: int = 25) -> None:
    """Print the table, and the commonest mistakes by class and tag."""
    for name, (right, required) in result["classes"].items():
        print(f"{name:20} {right:7} / {required:7}  {100 * right / max(required, 1):7.3f} %")
    print(f"{'overall':20} {result['right']:7} / {result['required']:7}  {100 * result['overall']:7.3f} %")
    print(
        f"objects {result['objects']}, delivered {result['delivered']}, quarantined {result['quarantined']}, "
        f"lost {result['lost']}, unmatched outputs {result['unmatched_outputs']}"
    )
    if result["missing"]:
        print("missing by modality", result["missing_modalities"])
    if "leaks" in result:
        print(
            f"byte scan: {result['leaked_identifiers']} identifiers in {result['leaking_files']} files "
            f"({result['leaks']} finds), {result['leaked_uids']} original UIDs"
        )
        for leak in result["leak_list"][:10]:
            print("  leak", *leak)
    common = collections.Counter((one["class"], one["path"].split("/")[-1]) for one in result["wrong"])
    for (kind, path), count in common.most_common(mistakes):
        sample = next(one for one in result["wrong"] if one["class"] == kind and one["path"].split("/")[-1] == path)
        wanted = sample.get("stay") or sample.get("go") or sample.get("value") or sample.get("box")
        print(
            f"  wrong {count:5} {kind:18} {path:24} {sample['modality']:6} wanted {str(wanted)[:70]!r} "
            f"found {str(sample['found'])[:70]!r}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--mapping", type=Path, help="CSV of UIDs: id_old,id_new")
    parser.add_argument("--patients", type=Path, help="CSV of patient numbers: id_old,id_new")
    parser.add_argument("--quarantined", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--mistakes", type=int, default=25)
    asked = parser.parse_args()
    result = score(asked.set, asked.output, asked.mapping, asked.patients, quarantined=asked.quarantined)
    print_score(result, mistakes=asked.mistakes)
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1, ensure_ascii=False, default=str))


if __name__ == "__main__":
    main()
