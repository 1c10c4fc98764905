"""Drawn images: the same every time, masks on lesions, classes that differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.usecases.uc12_skin.classes import CLASSES
from deephealth.usecases.uc12_skin.generator import draw_image

SIZE = (60, 80)


def draw(label: str, number: int, *, lesion: str | None = None, hardness: float = 0.0, size=SIZE):
    name = f"{label}-{number}"
    return draw_image(label, seed=0, lesion_id=lesion or name, image_id=name, size=size, hardness=hardness)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(CLASSES),
    st.integers(0, 2**32 - 1),
    st.text(max_size=8),
    st.tuples(st.integers(32, 90), st.integers(32, 90)),
    st.floats(0, 1),
)
def test_any_image_has_the_size_asked_for_and_a_lesion(label, seed, name, size, hardness):
    image, mask = draw_image(label, seed=seed, lesion_id=name, image_id=name, size=size, hardness=hardness)
    assert image.shape == (*size, 3)
    assert image.dtype == np.uint8
    assert mask.shape == size
    assert set(np.unique(mask)) <= {0, 1}
    assert 0.004 < mask.mean() < 0.99
    again, mask_again = draw_image(label, seed=seed, lesion_id=name, image_id=name, size=size, hardness=hardness)
    assert np.array_equal(image, again)
    assert np.array_equal(mask, mask_again)


def test_large_images_are_drawn_too():
    image, mask = draw("mel", 0, size=(320, 420))
    assert image.shape == (320, 420, 3)
    assert mask.any()


@pytest.mark.parametrize("label", ["nv", "mel", "bkl", "vasc"])
def test_the_mask_lies_on_the_lesion(label):
    """Inside the mask it is darker than outside, in nearly all images of the pigmented and the vascular classes."""
    darker = []
    for number in range(12):
        image, mask = draw(label, number)
        grey = image.mean(axis=2)
        darker.append(grey[mask == 1].mean() < grey[mask == 0].mean())
    assert sum(darker) >= 11


def colour(label: str, hardness: float = 0.0, count: int = 10) -> np.ndarray:
    """Mean over images of the lesion's colour as a part of the skin's, and the spread of its brightness."""
    found = []
    for number in range(count):
        image, mask = draw(label, number, hardness=hardness)
        pixels = image.astype(float) + 1
        lesion, skin = pixels[mask == 1], pixels[mask == 0]
        found.append([*(lesion.mean(0) / skin.mean(0)), lesion.mean(1).std() / skin.mean()])
    return np.mean(found, axis=0)


def test_classes_differ_in_colour_as_they_should():
    stats = {label: colour(label) for label in CLASSES}
    red, green, blue, spread = range(4)
    assert stats["mel"][red] < stats["bcc"][red]
    assert stats["mel"][spread] == max(values[spread] for values in stats.values())
    assert stats["vasc"][green] < 0.75 * stats["akiec"][green]
    assert stats["vasc"][blue] - stats["vasc"][green] == max(v[blue] - v[green] for v in stats.values())
    assert stats["bkl"][blue] < stats["bkl"][green]
    assert all(np.abs(stats[a] - stats[b]).max() > 0.015 for a in CLASSES for b in CLASSES if a < b)


def test_hardness_brings_classes_together():
    def distance(hardness: float) -> float:
        return float(np.abs(colour("nv", hardness, 16) - colour("mel", hardness, 16)).sum())

    assert distance(1.0) < distance(0.0)


def test_views_of_one_lesion_differ_and_show_the_same_lesion():
    """Two views share colour and size of the lesion more than two lesions of a class do."""

    def fraction(number: int, lesion: str) -> float:
        return float(draw("nv", number, lesion=lesion)[1].mean())

    one, other = draw("nv", 1, lesion="x")[0], draw("nv", 2, lesion="x")[0]
    assert not np.array_equal(one, other)
    within = [abs(fraction(1, f"l{n}") - fraction(2, f"l{n}")) for n in range(8)]
    between = [abs(fraction(1, f"l{n}") - fraction(1, f"l{n + 1}")) for n in range(8)]
    assert np.mean(within) < np.mean(between)


def test_an_unknown_class_is_an_error():
    with pytest.raises(DataError, match=r"draws no 'scc'[\s\S]*akiec"):
        draw("scc", 0)
