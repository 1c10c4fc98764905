"""The audit log: append-only, chained with keyed hashes, on disk before the answer is given."""
