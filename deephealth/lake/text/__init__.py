"""Free text: what identifies somebody is taken out of descriptions, comments and reports, and what is clinical stays."""
