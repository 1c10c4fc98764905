"""Taking the face out of head CT and MR: back-ends, a check that does not depend on them, and whole series."""
