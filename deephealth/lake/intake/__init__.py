"""Taking files in: sources, the journal of what became of each file, worker processes, quarantine, the runner."""
