"""The net: building, running, training, what is inside it, and what it prints."""
