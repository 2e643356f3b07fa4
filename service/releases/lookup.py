"""What every request asks first: which release does its `model` mean? A look-up, once it is loaded."""

import asyncio
from collections.abc import Callable, Sequence

from foundation.errors import GanymedeError, ModelNotFound, Unavailable
from foundation.graphs.content import MAX_GRAPH_BYTES
from foundation.store import Alias, Reference, Store, parse_reference, resolve_alias, resolve_version
from service.engine.devices import Device
from service.engine.threads import Threads
from service.releases.answering import note_release
from service.releases.canaries import Canaries
from service.releases.default_model import find_default
from service.releases.loading import Loading
from service.releases.opening import Release, open_release
from service.releases.residents import Key, Residents

__all__ = ["Release", "Releases", "find_default", "open_release"]

MAX_ABSENT = 1024
SLOW_S = 5.0
"""A picture that is looked for in an encoder for longer lets the next one begin."""
_RETRY_AFTER_S = 5


class Releases:
    """Opens releases as they are asked for, each once, and keeps a bounded number of them.

    What an alias means is remembered; `service.releases.reloading` follows where it goes.
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
        open_timeout_s: float = 300.0,
        warm_up: Callable[[Release], None] | None = None,
        changed: Callable[[Sequence[Release]], None] = lambda _: None,
        caller: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`warm_up` is called in a thread with each release before anyone may use it.

        A request waits for `load_timeout_s`; opening, checking and warming a release up may take
        `open_timeout_s`. `caller` names whom the current task works for: canaries go by that.
        """
        self.store = store
        self.asking = Threads(
            "the model store", max_running=8, max_waiting=32, wait_s=2, max_each=6, whose=caller
        )
        """For what a request asks the store."""
        self.following = Threads("following the store", max_running=4, max_waiting=1000)
        self.projecting = Threads("an encoder", max_running=1, max_waiting=64, slow_s=SLOW_S, max_alive=4)
        self._loading = Loading(
            store, device, max_graph_bytes=max_graph_bytes, timeout_s=open_timeout_s, warm_up=warm_up
        )
        self.versions: dict[Reference, str] = {}
        """Which version a reference means that was asked for and is served."""
        self.default_error: GanymedeError | None = None
        """Why the default model is not loaded, None while it is or was never tried."""
        self.residents = Residents(
            self._loading.load, max_resident=max_resident, timeout_s=load_timeout_s, changed=changed
        )
        self.canaries = Canaries(self.residents, caller, self._keep_meant)
        self._default = parse_reference(default_model) if default_model else None
        self._looks: dict[Reference, asyncio.Task[Alias]] = {}
        self._absent: dict[Reference, ModelNotFound] = {}
        self._meant: set[Key] = set()

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
            release = self.residents.find((reference.model, self.canaries.pick(reference, version)))
            if release is not None:
                note_release(release)
                return release
        try:
            release = await self._resolve_slowly(reference)
        except ModelNotFound as error:
            if text is None:
                raise Unavailable(error.for_strangers(), retry_after_s=_RETRY_AFTER_S) from None
            raise
        note_release(release)
        return release

    async def load_default(self) -> None:
        """Load the default model if it is not here, and remember why not if it cannot be."""
        try:
            await self._resolve_slowly(self._default, patient=True)
        except GanymedeError as error:
            self.default_error = error
            raise

    def serve(self, reference: Reference, version: str) -> None:
        """Let `reference` mean `version` from now on, and let go of what nothing means any more."""
        self.versions[reference] = version
        if reference == self._default:
            self.default_error = None
        self._keep_meant()

    def forget(self) -> None:
        """Forget which references were not found, and what those mean that nobody has in memory."""
        self._absent.clear()
        for reference, version in list(self.versions.items()):
            if not self.residents.has((reference.model, version)):
                del self.versions[reference]
                self.canaries.forget(reference)

    def get(self, text: str | None) -> Release:
        """The release that `text` means, opened here and now and not kept; for programs without a loop.

        Raises:
            ModelNotFound, ReleaseRefused, StoreUnreachable: as `resolve`.
        """
        reference = self.default_reference() if text is None else parse_reference(text)
        return self._loading.load_here(reference.model, resolve_version(self.store, reference))

    async def _resolve_slowly(self, reference: Reference | None, *, patient: bool = False) -> Release:
        threads = self.following if patient else self.asking
        if reference is None:
            reference = await threads.run(self.default_reference)
        if absent := self._absent.get(reference):
            raise absent.with_traceback(None)
        version, canary = self.versions.get(reference), None
        if version is None:
            try:
                entry = await self._look_up(reference, threads)
            except ModelNotFound as error:
                if len(self._absent) < MAX_ABSENT:
                    self._absent[reference] = error
                raise
            version, canary = entry.version, entry.trial
        release = await self.residents.obtain((reference.model, version), patient=patient)
        if reference not in self.versions:
            if canary is not None:  # before anyone is answered both are there, or it is known why one is not
                if reference == self._default:
                    self.residents.pin({(reference.model, version)})
                await self.canaries.begin(reference, canary)
            self.serve(reference, version)
        return await self.canaries.choose(reference, release)

    def _keep_meant(self) -> None:
        """Keep the default and its canary whatever comes, and let go of what nothing means any more."""
        meant = {(reference.model, version) for reference, version in self.versions.items()}
        meant |= self.canaries.keys()
        if self._default is not None and (version := self.versions.get(self._default)):
            self.residents.pin({(self._default.model, version), *self.canaries.keys(self._default)})
        for key in self._meant - meant:
            self.residents.drop(key)
        self._meant = meant

    async def _look_up(self, reference: Reference, threads: Threads) -> Alias:
        """What `reference` means, asked for once for however many wait."""
        look = self._looks.get(reference)
        if look is None:
            look = asyncio.create_task(threads.run(resolve_alias, self.store, reference))
            self._looks[reference] = look

            def end(done: asyncio.Task[Alias]) -> None:
                del self._looks[reference]
                if not done.cancelled():
                    done.exception()  # every waiter may have left

            look.add_done_callback(end)
        return await asyncio.shield(look)
