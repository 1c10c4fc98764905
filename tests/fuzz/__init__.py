"""Files with errors in them: every reader must answer with a typed error, in time and within memory."""
