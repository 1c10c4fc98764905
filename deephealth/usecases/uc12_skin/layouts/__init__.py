"""The folders UC12 reads. The first that recognises a folder reads it, so the most specific stand first."""

from deephealth.data.layout import Layout
from deephealth.usecases.uc12_skin.layouts import ham10000, ham10000_subset, isic2018, isic2019, yaml_classes

__all__ = ["LAYOUTS"]

LAYOUTS: tuple[Layout, ...] = (
    ham10000.LAYOUT,
    isic2019.LAYOUT,
    isic2018.LAYOUT,
    ham10000_subset.LAYOUT,
    yaml_classes.LAYOUT,
)
