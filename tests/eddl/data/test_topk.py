from __future__ import annotations

import numpy as np
import pytest

from deephealth import eddl


def probabilities(*values: float) -> eddl.Tensor:
    return eddl.Tensor.fromarray(np.array([values], dtype=np.float32))


def test_the_best_come_first_with_their_decimals():
    text = eddl.get_topk_predictions(probabilities(0.1, 0.6, 0.3), ["a", "b", "c"], 2, 1)
    assert text == "1. b (60.0%)\n2. c (30.0%)\n"


@pytest.mark.parametrize("k", [0, -1, 3, 4])
def test_k_must_be_below_the_number_of_classes(k):
    with pytest.raises(RuntimeError, match="1 to 2"):
        eddl.get_topk_predictions(probabilities(0.1, 0.6, 0.3), ["a", "b", "c"], k)


def test_names_and_probabilities_must_be_as_many():
    with pytest.raises(RuntimeError, match="3 probabilities and 2 class names"):
        eddl.get_topk_predictions(probabilities(0.1, 0.6, 0.3), ["a", "b"], 1)


def test_no_probabilities():
    with pytest.raises(RuntimeError, match="empty"):
        eddl.get_topk_predictions(eddl.Tensor.fromarray(np.empty((0,), np.float32)), [], 1)
