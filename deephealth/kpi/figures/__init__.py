"""The figures of a report: one per file, drawn once for light and once for dark pages."""
