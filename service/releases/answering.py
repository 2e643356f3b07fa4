"""Which release answers the request at hand: noted where it is looked up, for the figures of each version."""

import contextvars

from service.releases.opening import Release

_answering: contextvars.ContextVar[tuple[str, str] | None] = contextvars.ContextVar("answering", default=None)


def note_release(release: Release | None) -> None:
    """Let the current request be one that `release` answers; None at its beginning."""
    _answering.set(None if release is None else (release.manifest.name, release.manifest.version))


def current_version() -> tuple[str, str] | None:
    """The name and the version of the model that answers the current request, None where none does."""
    return _answering.get()
