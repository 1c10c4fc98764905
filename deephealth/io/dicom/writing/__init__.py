"""Objects written as DICOM: series of slices, secondary captures, and what every written object needs."""

from deephealth.io.dicom.writing.capture import write_secondary_capture
from deephealth.io.dicom.writing.codes import Code
from deephealth.io.dicom.writing.series import write_series
from deephealth.io.dicom.writing.source_images import read_source_images

__all__ = ["Code", "read_source_images", "write_secondary_capture", "write_series"]
