"""`aliases.json`: names that move, such as `production`, and where they point."""

import codecs
from typing import Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json

from foundation.errors import AliasMoved, ReleaseRefused
from foundation.manifest import Name, is_name

ALIASES_FILE = "aliases.json"

PRODUCTION = "production"
"""The alias that `MODEL` alone means."""


class Alias(BaseModel):
    """Where an alias points, and where it pointed before (for a rollback).

    Fields that a later Ganymede wrote are kept as they are.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

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
            found = from_json(text.removeprefix(codecs.BOM_UTF8))
        except ValueError as error:
            raise ReleaseRefused(f"{where} is not a valid alias file: {str(error)[:200]}.") from None
        if not isinstance(found, dict):
            raise ReleaseRefused(f"{where} is not a valid alias file: it holds no object of aliases.")
        entries: dict[str, Alias] = {}
        for name, entry in found.items():
            try:
                entries[name] = Alias.model_validate(entry)
            except ValidationError as error:
                reason = error.errors(include_input=False, include_url=False)[0]
                field = ".".join([name[:80], *map(str, reason["loc"])])
                raise ReleaseRefused(
                    f"{where} is not a valid alias file: {field}: {reason['msg']}."
                ) from None
            if not is_name(name):
                raise ReleaseRefused(
                    f"{where} is not a valid alias file: {name[:80]!r} cannot be an alias's name."
                )
        return cls(entries=entries, revision=revision)

    def to_json(self) -> bytes:
        """The file's bytes."""
        return _ENTRIES.dump_json(self.entries, indent=2) + b"\n"

    def moved(self, alias: str, version: str) -> Self:
        """These aliases with `alias` at `version`, remembering where it was."""
        current = self.entries.get(alias)
        if current and current.version == version:
            return self
        entry = (
            current.model_copy(update={"version": version, "previous": current.version})
            if current
            else Alias(version=version)
        )
        return self.model_copy(update={"entries": {**self.entries, alias: entry}})


def aliases_moved(model: str) -> AliasMoved:
    """The error of whoever came second."""
    return AliasMoved(f"The aliases of {model} changed meanwhile; nothing was written. Look and try again.")
