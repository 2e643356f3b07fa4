"""The order of classes: as a person counts, 2 before 10."""

import re
from collections.abc import Iterable

NUMBER = re.compile(r"(\d+)", re.ASCII)


def sort_naturally(names: Iterable[str]) -> list[str]:
    """Return names with the numbers in them in the order of their values; equal ones by their letters."""
    return sorted(names, key=lambda name: (split_numbers(name), name))


def split_numbers(name: str) -> list[tuple[str, int, str]]:
    """Return the words and numbers of a name by turns: 2 comes before 10, and 02 beside 2."""
    words = NUMBER.split(name)
    # Digits without their zeros compare as numbers do: the longer is the larger.
    numbers = [number.lstrip("0") for number in words[1::2]] + [""]
    return [(word, len(number), number) for word, number in zip(words[::2], numbers, strict=True)]
