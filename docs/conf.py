"""Sphinx settings; the pages on configuration keys and commands are generated from the code when the docs are built."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "deephealth"
author = "The deephealth developers"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generated_pages"]
html_theme = "furo"
html_title = "deephealth"
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_mock_imports: list[str] = []
suppress_warnings = ["myst.xref_missing"]  # links from the docs to files of the repository, such as notebooks
nitpicky = False
