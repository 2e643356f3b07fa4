"""The models that are in memory: opened, checked and ready to generate."""

import asyncio
import logging
import threading
from dataclasses import dataclass

from service.errors import ModelNotFound
from service.generator import Generator
from service.golden import check_golden
from service.manifest import REFERENCE_GRAPH, Difference, Manifest
from service.store import PRODUCTION, Reference, Store, parse_reference, resolve_version

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Release:
    """A version of a model that passed its golden check and can generate."""

    manifest: Manifest
    generator: Generator
    golden_difference: Difference


def open_release(store: Store, model: str, version: str, *, threads: int) -> Release:
    """Read, check and open one version.

    Raises:
        ModelNotFound: there is none.
        ReleaseRefused: it is damaged, or does not generate what it recorded.
    """
    manifest = store.manifest(model, version)
    generator = Generator(manifest, store.read(manifest, REFERENCE_GRAPH), threads=threads)
    images = manifest.golden.images
    difference = check_golden(generator, store.read(manifest, images) if images else None)
    log.info("opened %s from %s", manifest.reference, store.location)
    return Release(manifest, generator, difference)


class Releases:
    """Opens releases as they are asked for, each once, and keeps them."""

    def __init__(self, store: Store, *, default_model: str | None, threads: int) -> None:
        self.store = store
        self._default_model = default_model
        self._threads = threads
        self._opened: dict[tuple[str, str], Release] = {}
        self._lock = threading.Lock()

    def default_reference(self) -> Reference:
        """What a request without `model` means.

        Raises:
            ModelNotFound: the store has no model with a production version, and no default is set.
        """
        if self._default_model:
            return parse_reference(self._default_model)
        for model in self.store.models():
            if PRODUCTION in self.store.aliases(model).entries:
                return Reference(model)
        raise ModelNotFound(
            f"No model in {self.store.location} has a {PRODUCTION!r} version. Publish one "
            "(ganymede publish RUN --name NAME) and promote it (ganymede promote NAME VERSION)."
        )

    async def resolve(self, text: str | None) -> Release:
        """The release that a request's `model` means; see `get`."""
        return await asyncio.to_thread(self.get, text)

    def get(self, text: str | None) -> Release:
        """The release that a request's `model` means, opened on first use; blocks while it opens.

        Raises:
            ModelNotFound: there is none.
            ReleaseRefused: it cannot be served.
        """
        reference = parse_reference(text) if text is not None else self.default_reference()
        version = resolve_version(self.store, reference)
        with self._lock:
            key = (reference.model, version)
            if key not in self._opened:
                self._opened[key] = open_release(self.store, *key, threads=self._threads)
            return self._opened[key]
