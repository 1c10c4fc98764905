"""Profiles of what a program spends its time on."""

from __future__ import annotations

import sys

from torch.profiler import ProfilerActivity, profile

__all__ = ["reset_profile", "show_profile"]

_running: list[profile] = []


def reset_profile() -> None:
    """Begin a new profile; everything until :func:`show_profile` is measured (and somewhat slower)."""
    _stop()
    started = profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA])
    started.start()
    _running.append(started)


def show_profile() -> None:
    """Print the 20 costliest operations since :func:`reset_profile`, and end the profile."""
    measured = _stop()
    if measured is None:
        sys.stdout.write("nothing was profiled: call eddl.reset_profile() before the part to be measured\n")
        return
    sys.stdout.write(measured.key_averages().table(sort_by="self_cpu_time_total", row_limit=20) + "\n")


def _stop() -> profile | None:
    if not _running:
        return None
    measured = _running.pop()
    measured.stop()
    return measured
