"""What every model store can do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from service.manifest import Manifest
from service.store.aliases import Aliases


class Store(Protocol):
    """Releases of models; versions are immutable, aliases move by compare-and-swap."""

    @property
    def location(self) -> str:
        """Where it is, as a person would write it."""
        ...

    def models(self) -> list[str]:
        """Names of the models that have a version, in order."""
        ...

    def versions(self, model: str) -> list[str]:
        """Versions of `model` that have a manifest, oldest first; empty for an unknown model."""
        ...

    def manifest(self, model: str, version: str) -> Manifest:
        """The manifest of one version.

        Raises:
            ModelNotFound: there is none.
            ReleaseRefused: it cannot be read as a manifest, or names another release.
        """
        ...

    def read(self, manifest: Manifest, path: str) -> bytes:
        """The bytes of a file of the release, checked against its size and sha256.

        Raises:
            ReleaseRefused: the file is missing, cut off or altered; the message names it.
        """
        ...

    def aliases(self, model: str) -> Aliases:
        """The aliases of `model`; none for an unknown model."""
        ...

    def swap_aliases(self, model: str, old: Aliases, new: Aliases) -> None:
        """Write `new` if the file is still the one that `old` was read from.

        Raises:
            AliasMoved: it is not; nothing was written.
        """
        ...

    def publish(self, manifest: Manifest, files: Mapping[str, Path]) -> None:
        """Add a release, all of it or nothing: the files by their manifest paths, the manifest last.

        Raises:
            AlreadyPublished: the version exists; nothing was changed.
        """
        ...
