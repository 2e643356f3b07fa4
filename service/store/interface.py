"""What every model store can do."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from service.errors import StoreUnreachable
from service.manifest import Manifest
from service.store.aliases import Aliases

Sent = Callable[[str, int, int], None]
"""Told how an upload gets on: a file's name, the bytes of it that were sent, and its size in bytes."""

MAX_READ_BYTES = 2**26
"""Of a file that is read into memory, unless the reader says otherwise."""


class Store(Protocol):
    """Releases of models; versions are immutable, aliases move by compare-and-swap.

    Every method may raise StoreUnreachable.
    """

    @property
    def location(self) -> str:
        """Where it is, as a person would write it."""
        ...

    @property
    def failure(self) -> StoreUnreachable | None:
        """Why it could not be reached when it was last asked; None when it answered."""
        ...

    def models(self) -> list[str]:
        """Names of the models that have a version, or into which nobody can look, in order."""
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

    def manifest_text(self, model: str, version: str) -> bytes:
        """The bytes of one version's `manifest.json`, as they lie there.

        Raises:
            ModelNotFound: there is none.
        """
        ...

    def signature(self, model: str, version: str) -> bytes | None:
        """The content of one version's `model.sig`, None if it is not signed.

        Raises:
            ReleaseRefused: it is larger than a signature.
        """
        ...

    def add_signature(self, manifest: Manifest, content: bytes) -> None:
        """Add the one file that a published version may still get.

        Raises:
            AlreadySigned: it has one; nothing was written.
        """
        ...

    def read(self, manifest: Manifest, path: str, *, max_bytes: int = MAX_READ_BYTES) -> bytes:
        """The bytes of a file of the release, checked against its size and sha256.

        Raises:
            ReleaseRefused: the file is missing, cut off, altered, or larger than `max_bytes`; the message
                names it.
        """
        ...

    def fetch(self, manifest: Manifest, path: str, target: Path) -> None:
        """Write a file of the release, checked as `read` checks it, to `target` without holding it in memory.

        Raises:
            ReleaseRefused: as `read`; `target` then holds nothing of worth.
        """
        ...

    def aliases(self, model: str, known: Aliases | None = None) -> Aliases:
        """The aliases of `model`, none for an unknown model; `known` itself if it still holds."""
        ...

    def swap_aliases(self, model: str, old: Aliases, new: Aliases) -> None:
        """Write `new` if the file is still the one that `old` was read from.

        Raises:
            AliasMoved: it is not; nothing was written.
        """
        ...

    def publish(
        self, manifest: Manifest, files: Mapping[str, Path], *, signature: bytes | None = None
    ) -> None:
        """Add a release, all of it or nothing: the files by their manifest paths, the manifest last.

        `signature` is of the manifest as `service.store.publication.encode_manifest` writes it.

        Raises:
            AlreadyPublished: the version exists; nothing was changed.
        """
        ...
