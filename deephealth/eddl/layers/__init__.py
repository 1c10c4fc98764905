"""The layers: one file per group of the API, each with its classes and its functions."""
