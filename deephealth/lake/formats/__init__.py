"""Cleaners for everything that is not DICOM: one file per format, each ``clean(source, target, who) -> FileOutcome``.

What a format needs to be decoded is written anew from an allow-list; everything else does not reach the output, so
that bytes nobody thought of (gaps, padding, data appended to the end) can't carry an identifier into the lake.
"""
