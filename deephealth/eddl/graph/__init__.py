"""The symbolic graph: layers, what they compute, their names and their order."""
