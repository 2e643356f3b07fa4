"""From pictures to an answer, and what holds for all at once."""
