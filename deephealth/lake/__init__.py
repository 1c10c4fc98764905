"""The data lake: files are de-identified, pseudonymised, checked, catalogued, and only then anybody's to read."""
