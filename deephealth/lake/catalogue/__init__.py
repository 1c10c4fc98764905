"""What is in the lake: the index, questions to it, cards of the data sets, cohorts, lineage and withdrawal."""
