"""The sides of pictures that the networks of `modern` can be built for."""

from training.errors import DataError

LARGEST_BASE = 8


def base_size(size: int) -> int:
    """Return the side of the generator's first features: `size` halved until it is 8 or less.

    Raises:
        DataError: the side cannot be halved so far; 28, 32, 48 and 64 can.
    """
    side = size
    while side > LARGEST_BASE:
        if side % 2:
            raise DataError(
                f"Pictures {size} pixels wide cannot be halved to 8 or fewer; use 28, 32, 48 or 64."
            )
        side //= 2
    return side
