"""`aliases.json`: names that move, such as `production`, and where they point."""

import codecs
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json, to_json

from foundation.errors import AliasMoved, ReleaseRefused
from foundation.names import Name, is_name

ALIASES_FILE = "aliases.json"

PRODUCTION = "production"
"""The alias that `MODEL` alone means."""


class Canary(BaseModel):
    """A second version on trial beside an alias's own; readers from before it see the alias alone."""

    model_config = ConfigDict(frozen=True, extra="allow")

    version: Name
    share: float = Field(default=0.0, ge=0, le=1, allow_inf_nan=False)
    """Of the callers who name no version: what part of them this one answers."""
    shadow: bool = False
    """Whether it draws a sample of the others' seeds too, unseen, to be compared."""

    def describe(self) -> str:
        """What it has, in a few words."""
        words = [f"{100 * self.share:.6g} %"] if self.share or not self.shadow else []
        return " and ".join(words + ["shadow"] * self.shadow)


class Alias(BaseModel):
    """Where an alias points, and where it pointed before (for a rollback).

    Fields that a later Ganymede wrote are kept as they are.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    version: Name
    previous: Name | None = None
    canary: Canary | None = None

    @property
    def trial(self) -> Canary | None:
        """The canary, if it is another version: an older `promote` moves an alias and leaves it there."""
        return self.canary if self.canary and self.canary.version != self.version else None

    def describe(self) -> dict[str, object]:
        """What it is without what a later Ganymede wrote, as JSON has it."""
        described: dict[str, object] = {"version": self.version, "previous": self.previous}
        if self.trial is not None:
            described["canary"] = self.trial.model_dump(include={"version", "share", "shadow"})
        return described


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
        entries = {
            name: entry.model_dump(mode="json", exclude=None if entry.canary else {"canary"})
            for name, entry in self.entries.items()
        }
        return to_json(entries, indent=2) + b"\n"

    def moved(self, alias: str, version: str) -> Self:
        """These aliases with `alias` at `version` for all, remembering where it was."""
        current = self.entries.get(alias)
        if current and current.version == version:
            return self.tried(alias, None)
        entry = (
            current.model_copy(update={"version": version, "previous": current.version, "canary": None})
            if current
            else Alias(version=version)
        )
        return self.model_copy(update={"entries": {**self.entries, alias: entry}})

    def tried(self, alias: str, canary: Canary | None) -> Self:
        """These aliases with `canary`, or none, beside where `alias` points."""
        current = self.entries[alias]
        if current.canary == canary:
            return self
        entry = current.model_copy(update={"canary": canary})
        return self.model_copy(update={"entries": {**self.entries, alias: entry}})


def aliases_moved(model: str) -> AliasMoved:
    """The error of whoever came second."""
    return AliasMoved(f"The aliases of {model} changed meanwhile; nothing was written. Look and try again.")
