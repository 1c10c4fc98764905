"""Loading what workers need before there is work: in a process of its own, from which they are forked later."""

from __future__ import annotations

import multiprocessing

from deephealth.lake.intake.limits import one_thread_each

__all__ = ["PIXEL_MODULES", "WORKER_MODULES", "start_early"]

WORKER_MODULES = (
    "deephealth.lake.dicom_object",
    "deephealth.lake.other_object",
    "deephealth.lake.intake.sealing",
    "deephealth.lake.text.cleaner",
)
"""What the lake's own scan and cleaner import when they meet their first file."""

PIXEL_MODULES = ("deephealth.lake.pixels.loaded",)
"""What is loaded too where pixels are looked at; workers share the networks."""

_POOL, _TOOLS = "deephealth.lake.intake.workers", "deephealth.lake.objects"


def start_early(*, pixels: bool = True) -> None:
    """Begin to load the workers' modules while this process goes on; a later pool forks its workers from there.

    Where processes can't be forked from a clean one (Windows), nothing is done. Call it from a program's main thread
    before anything slow.

    Args:
        pixels: load the networks that look for writing, too.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    from multiprocessing import forkserver

    multiprocessing.get_context("forkserver").set_forkserver_preload(
        [_POOL, _TOOLS, *WORKER_MODULES, *(PIXEL_MODULES if pixels else ())]
    )
    with one_thread_each():
        forkserver.ensure_running()
