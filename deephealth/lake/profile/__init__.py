"""DICOM PS3.15 Annex E: the table of what identifies, the options, and the engine that applies them to a dataset."""
