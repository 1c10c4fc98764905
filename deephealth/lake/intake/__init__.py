"""Taking files in: sources, the journal of what became of each file, worker processes, sealed quarantine, the runner."""
