"""How often the pictures of a set are to be changed before they are judged, by how many there are."""

SMALL_SET_IMAGES = 20_000
SMALL_SET_PROBABILITY = 0.5
"""Well below the 0.8 from which, by ADA's authors, changes leak into what the generator draws."""


def choose_probability(images: int) -> float:
    """Return how often the pictures of a set of so many are to be changed: 0 for a large one."""
    return SMALL_SET_PROBABILITY if images < SMALL_SET_IMAGES else 0.0
