"""`aliases.json`: names that move, such as `production`, and where they point."""

from typing import Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from service.errors import AliasMoved, ReleaseRefused
from service.manifest import Name

ALIASES_FILE = "aliases.json"

PRODUCTION = "production"
"""The alias that `MODEL` alone means."""


class Alias(BaseModel):
    """Where an alias points, and where it pointed before (for a rollback)."""

    model_config = ConfigDict(frozen=True)

    version: Name
    previous: Name | None = None


_ENTRIES = TypeAdapter(dict[Name, Alias])


class Aliases(BaseModel):
    """All aliases of one model as read at one moment; `revision` is what compare-and-swap compares."""

    model_config = ConfigDict(frozen=True)

    entries: dict[Name, Alias] = {}
    revision: str | None = None
    """None: the file did not exist."""

    @classmethod
    def from_json(cls, text: bytes, revision: str, where: str) -> Self:
        """Read the file's bytes.

        Raises:
            ReleaseRefused: they are not an alias file; the message starts with `where`.
        """
        try:
            return cls(entries=_ENTRIES.validate_json(text), revision=revision)
        except ValidationError as error:
            raise ReleaseRefused(f"{where} is not a valid alias file: {error.errors()[0]['msg']}") from error

    def to_json(self) -> bytes:
        """The file's bytes."""
        return _ENTRIES.dump_json(self.entries, indent=2) + b"\n"

    def moved(self, alias: str, version: str) -> Self:
        """These aliases with `alias` at `version`, remembering where it was."""
        current = self.entries.get(alias)
        if current and current.version == version:
            return self
        entry = Alias(version=version, previous=current.version if current else None)
        return self.model_copy(update={"entries": {**self.entries, alias: entry}})


def aliases_moved(model: str) -> AliasMoved:
    """The error of whoever came second."""
    return AliasMoved(f"The aliases of {model} changed meanwhile; nothing was written. Look and try again.")
