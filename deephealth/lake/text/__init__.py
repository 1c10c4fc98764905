"""Free text: what identifies somebody is taken out of descriptions and reports, and what is clinical stays."""
