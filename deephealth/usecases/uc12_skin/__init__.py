"""UC12: skin cancer in dermoscopy, as a diagnosis (classification) and as the lesion's outline (segmentation)."""
