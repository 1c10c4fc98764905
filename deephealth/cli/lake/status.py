"""``deephealth lake status``."""

from __future__ import annotations

from deephealth.cli.lake.options import AsJson, LakeFolderOption, open_lake

__all__ = ["status"]


def status(lake: LakeFolderOption = None, as_json: AsJson = False) -> None:
    """Say what the lake holds, what waits in quarantine, and whether it was verified. Needs no vault.

    Example: deephealth lake status --lake build/lake
    """
    from deephealth.cli.console import print_json, print_table, say
    from deephealth.lake.overview import overview
    from deephealth.lake.reasons import MEANING, Reason

    facts = overview(open_lake(lake))
    if as_json:
        print_json(facts)
        return
    say(f"project '{facts['project']}', consent {facts['consent']}, profile {' '.join(facts['options'])}")
    rows = [(name, str(one["subjects"]), str(one["objects"])) for name, one in facts["datasets"].items()]
    print_table("data sets", ("name", "subjects", "objects"), rows)
    if facts["quarantine"]:
        waiting = [(word, str(count), MEANING[Reason(word)]) for word, count in facts["quarantine"].items()]
        print_table("quarantine", ("reason", "files", "meaning"), waiting)
    if facts["head_series_with_faces"]:
        say(f"{facts['head_series_with_faces']} head series show a face (option clean-features takes it out)")
    say(f"verified: {facts['verified']}")
