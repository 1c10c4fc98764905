"""Floor 1: the hot spots, one per file: a torch reference, a version for processors, a version for accelerators.

Import a kernel from its file: ``from deephealth.kernels.warp import warp``. Most people want what is built on them, in
``transforms``, ``losses``, ``metrics``, ``data`` and ``infer``. Versions are chosen by
:func:`deephealth.kernels.compilers.using`.
"""
