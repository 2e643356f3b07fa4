"""API keys: a long random word for a person, and the entry with its hash for the service."""

import hashlib
import secrets


def make_key(name: str) -> tuple[str, str]:
    """A new key, and `NAME:SHA256` as GANYMEDE_API_KEYS takes it."""
    made = f"gmd_{secrets.token_urlsafe(32)}"
    return made, f"{name}:{hashlib.sha256(made.encode()).hexdigest()}"
