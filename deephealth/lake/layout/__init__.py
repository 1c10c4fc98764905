"""Where an object lies and what it is called: BIDS for brains, MIDS for everything else, and the files around it."""
