"""Transforms of volumes: batched, drawn per sample from a counter, the same on processor and accelerator."""
