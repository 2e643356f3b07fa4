"""A store far away with what was read from it close by, so that a start or a reload can do without it."""

import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeVar

from foundation.errors import ModelNotFound, StoreDenied, StoreError, StoreUnreachable
from foundation.locked_folders import LockedFolder
from foundation.manifest import MANIFEST_FILE, Manifest
from foundation.signatures import SIGNATURE_FILE
from foundation.store.aliases import ALIASES_FILE, Aliases
from foundation.store.cache import CacheUnusable, FileCache
from foundation.store.folder import FolderStore
from foundation.store.interface import MAX_READ_BYTES, Store
from foundation.store.publication import entry_of, parse_manifest
from foundation.store.wrapped import WrappedStore

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

PAUSE_S = 2.0
"""How long a store that did not answer is not asked again."""


MAX_COMPLAINTS = 100


class CachedStore(WrappedStore):
    """Asks `store`, keeps what it answered, and answers from that while the store does not.

    Files come from the cache wherever it has them: they are known by their sha256. Manifests and aliases are
    asked for each time, and those kept are for when the store is away. What is written needs the store.
    """

    def __init__(self, store: Store, cache: FileCache) -> None:
        super().__init__(store)
        self._cache = cache
        folder = hashlib.sha256(store.location.encode()).hexdigest()[:16]
        self._kept = FolderStore(cache.folder / "stores" / folder)
        self._paused_until = 0.0
        self._complaints: set[str] = set()

    def models(self) -> list[str]:
        """Names of the models; while the store is away, of those that are kept."""
        return self._ask(self._store.models, self._kept.models)

    def versions(self, model: str) -> list[str]:
        """Versions of `model`; while the store is away, those that are kept."""
        return self._ask(lambda: self._store.versions(model), lambda: self._kept.versions(model))

    def manifest(self, model: str, version: str) -> Manifest:
        """The manifest of one version; see `Store.manifest`."""
        return parse_manifest(self.manifest_text(model, version), model, version)

    def manifest_text(self, model: str, version: str) -> bytes:
        """The bytes of one version's manifest; see `Store.manifest_text`."""

        def ask() -> bytes:
            text = self._store.manifest_text(model, version)
            parse_manifest(text, model, version)  # what is wrong is not kept
            self._keep(f"{model}/versions/{version}/{MANIFEST_FILE}", text)
            return text

        def recall() -> bytes | None:
            text = self._kept.manifest_text(model, version)
            parse_manifest(text, model, version)  # what was damaged here is not kept
            return text

        return self._ask(ask, recall)

    def signature(self, model: str, version: str) -> bytes | None:
        """The signature of one version; see `Store.signature`."""

        def ask() -> bytes | None:
            content = self._store.signature(model, version)
            if content is not None:
                self._keep(f"{model}/versions/{version}/{SIGNATURE_FILE}", content)
            return content

        return self._ask(ask, lambda: self._kept.signature(model, version))

    def read(self, manifest: Manifest, path: str, *, max_bytes: int = MAX_READ_BYTES) -> bytes:
        """The checked bytes of a file, fetched unless the cache has it; see `Store.read`.

        Where the cache cannot be used, they come from the store each time.
        """
        entry = entry_of(manifest, path, max_bytes=max_bytes)
        if entry.size_bytes <= self._cache.max_bytes:
            try:
                return self._cache.read(
                    entry, manifest.reference, lambda target: self._fetch(manifest, path, target)
                )
            except CacheUnusable as error:
                self._complain(str(error))
        else:
            self._complain(
                f"{manifest.reference}: {path} has {entry.size_bytes:,} bytes and does not fit into the "
                f"cache (GANYMEDE_CACHE_MAX_BYTES is {self._cache.max_bytes:,})."
            )
        return self._ask(lambda: self._store.read(manifest, path, max_bytes=max_bytes), lambda: None)

    def fetch(self, manifest: Manifest, path: str, target: Path) -> None:
        """Write a checked file to `target`; see `Store.fetch`."""
        target.write_bytes(self.read(manifest, path, max_bytes=entry_of(manifest, path).size_bytes))

    def aliases(self, model: str, known: Aliases | None = None) -> Aliases:
        """The aliases of `model`, while the store is away the last that were seen; see `Store.aliases`."""

        def ask() -> Aliases:
            aliases = self._store.aliases(model, known)
            if aliases is not known and aliases.entries:
                self._keep(f"{model}/{ALIASES_FILE}", aliases.to_json())
            return aliases

        def recall() -> Aliases | None:
            kept = known or self._kept.aliases(model).model_copy(update={"revision": None})
            return kept if kept.entries else None

        return self._ask(ask, recall)

    def _ask(self, ask: Callable[[], Answer], recall: Callable[[], Answer | None]) -> Answer:
        """The store's answer, or what is kept; the store's failure if nothing is."""
        failure = self._store.failure
        if failure is None or time.monotonic() >= self._paused_until:
            try:
                return ask()
            except StoreUnreachable as error:
                if not isinstance(error, StoreDenied):
                    self._paused_until = time.monotonic() + PAUSE_S
                failure = error
        kept = None
        with suppress(StoreError, ModelNotFound):  # what cannot be read there is not kept
            kept = recall()
        if not kept:
            raise failure.with_traceback(None)
        return kept

    def _fetch(self, manifest: Manifest, path: str, target: Path) -> None:
        def fetch() -> Literal[True]:
            self._store.fetch(manifest, path, target)
            return True

        self._ask(fetch, lambda: None)

    def _keep(self, path: str, content: bytes) -> None:
        target = self._kept.root / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".unfinished-", delete=False) as file:
                unfinished = Path(file.name)
                try:
                    file.write(content)
                    file.flush()
                    unfinished.replace(target)
                except OSError:
                    unfinished.unlink(missing_ok=True)
                    raise
        except OSError as error:
            reason = error.strerror or error
            self._complain(f"Nothing can be kept in the cache {self._cache.folder}: {reason}.")

    def _complain(self, sentence: str) -> None:
        """Log a sentence about the cache, once."""
        if sentence not in self._complaints and len(self._complaints) < MAX_COMPLAINTS:
            self._complaints.add(sentence)
            log.warning("%s The store in S3 is asked instead.", sentence)


def open_cache(folder: str | None, *, max_bytes: int) -> FileCache:
    """The cache in `folder`; without one, `ganymede` in the user's cache folder (XDG).

    Where that cannot be written, a folder for this process alone, and a line in the log.

    Raises:
        StoreError: the folder that was named cannot be written.
    """
    if folder is not None:
        return FileCache(Path(folder).expanduser(), max_bytes=max_bytes)
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return FileCache(base / "ganymede", max_bytes=max_bytes)
    except (StoreError, RuntimeError) as error:  # RuntimeError: a user without a home
        log.warning("%s It is kept for this process alone; set GANYMEDE_CACHE.", error)
        return FileCache(LockedFolder("cache").make().path, max_bytes=max_bytes)
