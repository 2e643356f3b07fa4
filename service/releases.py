"""What every request asks first: which release does its `model` mean? A look-up, once it is loaded."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from service.devices import Device
from service.errors import GanymedeError, ModelNotFound, ReleaseRefused, Unavailable
from service.graph import MAX_GRAPH_BYTES
from service.release import Release, open_release
from service.residents import Residents
from service.store import PRODUCTION, Reference, Store, parse_reference, resolve_version

__all__ = ["Release", "Releases", "open_release"]

MAX_ABSENT = 1024
_RETRY_AFTER_S = 5


class Releases:
    """Opens releases as they are asked for, each once, and keeps a bounded number of them.

    What an alias means is remembered; `service.reloading` follows where it goes.
    """

    def __init__(
        self,
        store: Store,
        *,
        default_model: str | None,
        device: Device,
        max_resident: int = 4,
        max_graph_bytes: int = MAX_GRAPH_BYTES,
        load_timeout_s: float = 30.0,
        warm_up: Callable[[Release], None] | None = None,
        changed: Callable[[Sequence[Release]], None] = lambda _: None,
    ) -> None:
        """`warm_up` is called in a thread with each release before anyone may use it."""
        self.store = store
        self.versions: dict[Reference, str] = {}
        """Which version a reference means that was asked for and is served."""
        self.default_error: GanymedeError | None = None
        """Why the default model is not loaded, None while it is or was never tried."""
        self.residents = Residents(
            self._open, max_resident=max_resident, timeout_s=load_timeout_s, changed=changed
        )
        self._default = parse_reference(default_model) if default_model else None
        self._device = device
        self._max_graph_bytes = max_graph_bytes
        self._warm_up = warm_up
        self._absent: dict[Reference, ModelNotFound] = {}

    @property
    def default(self) -> Release | None:
        """The release that a request without `model` means, None while it is not loaded."""
        if self._default is None or self._default not in self.versions:
            return None
        return self.residents.find((self._default.model, self.versions[self._default]))

    def default_reference(self) -> Reference:
        """What a request without `model` means; asks the store until it is known, then never again.

        Raises:
            ModelNotFound: the store has no model with a production version, and no default is set.
        """
        if self._default is None:
            self._default = find_default(self.store)
        return self._default

    async def resolve(self, text: str | None) -> Release:
        """The release that a request's `model` means: two look-ups if it is here, else it is loaded.

        Raises:
            ModelNotFound: there is none of that name.
            ReleaseRefused: it cannot be served.
            StoreUnreachable: it is not here, and the store does not answer.
            Unavailable: it takes longer to load than a request may wait, or no model is named and the
                default is not in the store (yet).
        """
        reference = self._default if text is None else parse_reference(text)
        if reference is not None and (version := self.versions.get(reference)):
            release = self.residents.find((reference.model, version))
            if release is not None:
                return release
        try:
            return await self._resolve_slowly(reference)
        except ModelNotFound as error:
            if text is None:
                raise Unavailable(str(error), retry_after_s=_RETRY_AFTER_S) from None
            raise

    async def load_default(self) -> None:
        """Load the default model if it is not here, and remember why not if it cannot be."""
        try:
            await self._resolve_slowly(self._default, patient=True)
        except GanymedeError as error:
            self.default_error = error
            raise

    def serve(self, reference: Reference, version: str) -> None:
        """Let `reference` mean `version` from now on, and let go of what nothing means any more."""
        before = self.versions.get(reference)
        self.versions[reference] = version
        if reference == self._default:
            self.residents.pin((reference.model, version))
            self.default_error = None
        meant = {(other.model, known) for other, known in self.versions.items()}
        if before is not None and (reference.model, before) not in meant:
            self.residents.drop((reference.model, before))

    def forget(self) -> None:
        """Forget which references were not found, and what those mean that nobody has in memory."""
        self._absent.clear()
        for reference, version in list(self.versions.items()):
            if not self.residents.has((reference.model, version)):
                del self.versions[reference]

    def get(self, text: str | None) -> Release:
        """The release that `text` means, opened here and now and not kept; for programs without a loop.

        Raises:
            ModelNotFound, ReleaseRefused, StoreUnreachable: as `resolve`.
        """
        reference = self.default_reference() if text is None else parse_reference(text)
        return self._open(reference.model, resolve_version(self.store, reference))

    async def _resolve_slowly(self, reference: Reference | None, *, patient: bool = False) -> Release:
        if reference is None:
            reference = await asyncio.to_thread(self.default_reference)
        if absent := self._absent.get(reference):
            raise absent.with_traceback(None)
        version = self.versions.get(reference)
        if version is None:
            try:
                version = await asyncio.to_thread(resolve_version, self.store, reference)
            except ModelNotFound as error:
                if len(self._absent) < MAX_ABSENT:
                    self._absent[reference] = error
                raise
        release = await self.residents.obtain((reference.model, version), patient=patient)
        if reference not in self.versions:
            self.serve(reference, version)
        return release

    def _open(self, model: str, version: str) -> Release:
        release = open_release(
            self.store, model, version, self._device, max_graph_bytes=self._max_graph_bytes
        )
        if self._warm_up is not None:
            self._warm_up(release)
        return release


def find_default(store: Store) -> Reference:
    """The oldest of the store's models that have a production version: a new model takes nobody's place.

    Raises:
        ModelNotFound: it has none.
    """
    models = [model for model in store.models() if PRODUCTION in store.aliases(model).entries]
    if not models:
        raise ModelNotFound(
            f"No model in {store.location} has a {PRODUCTION!r} version. Publish one "
            "(ganymede publish RUN --name NAME) and promote it (ganymede promote NAME VERSION)."
        )
    if len(models) == 1:
        return Reference(models[0])
    return Reference(min(models, key=lambda model: _find_birth(store, model)))


def _find_birth(store: Store, model: str) -> datetime:
    """When the model's oldest version was made; now, if that cannot be said."""
    try:
        return store.manifest(model, store.versions(model)[0]).created_at
    except (ReleaseRefused, IndexError):
        return datetime.now(UTC)
