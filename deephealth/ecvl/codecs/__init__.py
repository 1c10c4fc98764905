"""Reading and writing ECVL images: pictures, NIfTI, DICOM, slides."""
