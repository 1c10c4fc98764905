"""DICOM: files, series and enhanced multi-frame objects, read into arrays and volumes."""
