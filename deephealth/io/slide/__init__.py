"""Whole slides: levels, physical pixel size, regions, tiles in order from several threads, thumbnail, tissue mask."""

from deephealth.core.lazy import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "SLIDE_BACKENDS": "opening",
        "Level": "reader",
        "Slide": "slide",
        "SlideReader": "reader",
        "Tile": "tiling",
        "open_slide": "opening",
        "tile_positions": "tiling",
        "tissue_mask": "tissue",
    },
)

__all__ = [
    "SLIDE_BACKENDS",
    "Level",
    "Slide",
    "SlideReader",
    "Tile",
    "open_slide",
    "tile_positions",
    "tissue_mask",
]
