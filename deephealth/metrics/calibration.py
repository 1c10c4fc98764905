"""Calibration: does a probability of 0.8 come true in 8 of 10 cases? Bins, errors, and temperature scaling.

Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017 (temperature, ECE of equal-width bins);
Nixon et al., Measuring Calibration in Deep Learning, 2019 (adaptive bins of equal counts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deephealth.core.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["adaptive_bins", "apply_temperature", "bin_error", "equal_bins", "fit_temperature", "reliability"]

# Beyond these temperatures the probabilities are one-hot or uniform to three digits.
_COLDEST, _HOTTEST = 0.02, 50.0


def equal_bins(confidence_n: Array, num_bins: int = 15) -> npt.NDArray[np.int64]:
    """Return the bin of each confidence among ``num_bins`` of equal width: [0, 1/15), ..., [14/15, 1].

    Example:
        >>> equal_bins(np.array([0.0, 0.5, 1.0]), 2).tolist()
        [0, 1, 1]
    """
    edges = np.linspace(0, 1, num_bins + 1)[1:-1]
    return np.digitize(confidence_n, edges).astype(np.int64)


def adaptive_bins(confidence_n: Array, num_bins: int = 15) -> npt.NDArray[np.int64]:
    """Return the bin of each confidence among at most ``num_bins`` that hold equally many samples.

    Example:
        >>> adaptive_bins(np.array([0.9, 0.8, 0.7, 0.6]), 2).tolist()
        [1, 1, 0, 0]
    """
    count = len(confidence_n)
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(confidence_n, kind="stable")] = np.arange(count)
    return rank * min(num_bins, count) // max(1, count)


def reliability(
    confidence_n: Array, correct_n: npt.NDArray[np.bool_], bin_n: npt.NDArray[np.int64]
) -> list[dict[str, Any]]:
    """Return the count, mean confidence and accuracy of every bin that holds a sample.

    Args:
        confidence_n: probability of the predicted class.
        correct_n: whether the predicted class was right.
        bin_n: bin of each sample.

    Example:
        >>> reliability(np.array([0.6, 0.8]), np.array([True, False]), np.array([0, 0]))
        [{'bin': 0, 'count': 2, 'confidence': 0.7, 'accuracy': 0.5}]
    """
    rows = []
    for index in np.unique(bin_n):
        inside = bin_n == index
        rows.append(
            {
                "bin": int(index),
                "count": int(inside.sum()),
                "confidence": float(confidence_n[inside].mean()),
                "accuracy": float(correct_n[inside].mean()),
            }
        )
    return rows


def bin_error(rows: list[dict[str, Any]]) -> float:
    """Return the expected calibration error of reliability rows: the mean gap, weighted by counts.

    Example:
        >>> round(bin_error([{"count": 2, "confidence": 0.7, "accuracy": 0.5}]), 3)
        0.2
    """
    total = sum(row["count"] for row in rows)
    return float(sum(row["count"] * abs(row["accuracy"] - row["confidence"]) for row in rows) / total)


def _two_columns(logits: Array) -> Array:
    """A single logit z is the two-class problem (0, z)."""
    if logits.ndim == 2 and logits.shape[1] == 1:
        logits = logits[:, 0]
    return np.stack([np.zeros_like(logits), logits], axis=1) if logits.ndim == 1 else logits


def apply_temperature(logits: Any, temperature: float) -> Array:
    """Return softmax(logits / temperature).

    Args:
        logits: N x K, or N (or N x 1) logits of the positive class of two.
        temperature: above 1 softens, below 1 sharpens.

    Returns:
        N x K probabilities (N x 2 for a single logit).

    Example:
        >>> apply_temperature(np.array([[0.0, 0.0]]), 2.0).tolist()
        [[0.5, 0.5]]
    """
    scaled = _two_columns(np.asarray(logits, dtype=np.float64)) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(logits: Any, targets: Any) -> float:
    """Return the temperature that minimises the log loss of validation samples (never of training ones).

    Args:
        logits: N x K unnormalised scores, or N logits of the positive class of two.
        targets: N class indices.

    Returns:
        A temperature from 0.02 to 50. The order of the classes, and so the accuracy, does not change.

    Raises:
        DataError: no samples, wrong shapes, or logits that are not finite.

    Example:
        >>> fit_temperature([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [0.0, 2.0]], [0, 0, 1, 1]) > 1
        True
    """
    from scipy.optimize import minimize_scalar

    table, truth = _two_columns(np.asarray(logits, dtype=np.float64)), np.asarray(targets, dtype=np.int64)
    if table.ndim != 2 or not len(table) or truth.shape != (len(table),) or not np.isfinite(table).all():
        msg = f"temperature scaling got logits of shape {table.shape} and targets of shape {truth.shape}"
        raise DataError(msg, allowed="finite logits N x K and N class indices, N at least 1")
    rows = np.arange(len(table))

    def log_loss(log_temperature: float) -> float:
        scaled = table * np.exp(-log_temperature)
        peak = scaled.max(axis=1)
        return float((np.log(np.exp(scaled - peak[:, None]).sum(axis=1)) + peak - scaled[rows, truth]).mean())

    bounds = (np.log(_COLDEST), np.log(_HOTTEST))
    found = minimize_scalar(log_loss, bounds=bounds, method="bounded", options={"xatol": 1e-5})
    return float(np.exp(found.x))
