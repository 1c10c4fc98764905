"""NIfTI-1 and NIfTI-2: one file or a pair, compressed or not, either byte order."""

from deephealth.io.nifti.header import NiftiHeader
from deephealth.io.nifti.read import read_nifti, read_nifti_header
from deephealth.io.nifti.write import write_nifti

__all__ = ["NiftiHeader", "read_nifti", "read_nifti_header", "write_nifti"]
