"""Counts in words: `1 picture is`, `2 pictures are`."""


def count_of(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def count_are(count: int, noun: str) -> str:
    """Return a count with its noun and verb."""
    return f"{count_of(count, noun)} {'is' if count == 1 else 'are'}"
