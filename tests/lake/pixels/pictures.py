"""Small DICOM objects with and without writing."""

from __future__ import annotations

import cv2
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

TEXT = "DOE^JANE 4711"


def written(rows: int = 96, columns: int = 256, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return a smooth noisy picture in 0..1 without and with a line of text."""
    rng = np.random.default_rng(seed)
    clean = np.clip(np.linspace(0.1, 0.4, columns)[None] + rng.normal(0, 0.01, (rows, columns)), 0.02, 0.9)
    text = cv2.putText(np.zeros((rows, columns), np.uint8), TEXT, (14, 40), 0, 0.7, 255, 1, cv2.LINE_AA) / 255
    return clean, clean * (1 - text) + text


def dataset_of(frames: np.ndarray, *, photometric: str = "MONOCHROME2", stored: int = 0, **elements: object) -> Dataset:
    """Return a native object that holds frames (N, H, W) or (N, H, W, 3)."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.Modality = "CT"
    dataset.Rows, dataset.Columns = frames.shape[1:3]
    if len(frames) > 1:
        dataset.NumberOfFrames = len(frames)
    dataset.BitsAllocated = frames.dtype.itemsize * 8
    dataset.BitsStored = stored or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(frames.dtype.kind == "i")
    dataset.SamplesPerPixel = 1 if frames.ndim == 3 else 3
    dataset.PhotometricInterpretation = photometric
    if frames.ndim == 4:
        dataset.PlanarConfiguration = 0
    dataset.PixelData = frames.tobytes() + b"\0" * (frames.nbytes % 2)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset
