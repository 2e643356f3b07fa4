"""Following the store while the service runs: where aliases go, the service goes, and never to its harm."""

import asyncio
import logging
from collections.abc import Callable

from service.errors import GanymedeError, ReleaseRefused, StoreUnreachable
from service.outcomes import Outcome
from service.releases import Releases
from service.store import Aliases, Reference

log = logging.getLogger(__name__)


class Reloading:
    """Asks for the aliases in use every `interval_s`; a new version is loaded beside the old, then swapped.

    What cannot be loaded is refused by name and counted, and the old version goes on serving.
    """

    def __init__(
        self, releases: Releases, *, interval_s: float, count: Callable[[Outcome], None] = lambda _: None
    ) -> None:
        self.refusals: dict[Reference, GanymedeError] = {}
        """Why an alias is not served where it points in the store."""
        self._releases = releases
        self._interval_s = interval_s
        self._count = count
        self._known: dict[str, Aliases] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Load the default model and begin to follow, in the background."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._releases.residents.close()

    async def follow(self) -> None:
        """Ask once for every model in use, and load what has changed."""
        releases = self._releases
        releases.forget()
        if releases.default is None:
            await self._load_default()
        models = {reference.model for reference in releases.versions}
        self._known = {model: known for model, known in self._known.items() if model in models}
        for model in sorted(models):
            await self._follow_model(model)
        for gone in self.refusals.keys() - releases.versions.keys():
            del self.refusals[gone]

    async def _run(self) -> None:
        while True:
            try:
                await self.follow()
            except Exception:  # the loop must outlive whatever a store or a graph can do
                log.exception("following the store failed; it goes on in %g s", self._interval_s)
                self._count("failed")
            await asyncio.sleep(self._interval_s)

    async def _load_default(self) -> None:
        before = self._releases.default_error
        try:
            await self._releases.load_default()
        except GanymedeError as error:
            if error is not before:
                log.error("not ready: %s", error)  # noqa: TRY400 - the sentence says it all
                self._count(_outcome_of(error))

    async def _follow_model(self, model: str) -> None:
        store = self._releases.store
        try:
            aliases = await asyncio.to_thread(store.aliases, model, self._known.get(model))
        except GanymedeError as error:
            log.warning("the aliases of %s could not be read: %s", model, error)
            self._count(_outcome_of(error))
            return
        if store.failure is not None:
            log.warning("what is loaded goes on serving: %s", store.failure)
            self._count("unreachable")
        self._known[model] = aliases
        for alias, entry in aliases.entries.items():
            reference = Reference(model, alias)
            serving = self._releases.versions.get(reference)
            if serving is not None:
                await self._move(reference, serving, entry.version)

    async def _move(self, reference: Reference, serving: str, version: str) -> None:
        if serving == version:
            self.refusals.pop(reference, None)
            return
        try:
            await self._releases.residents.obtain((reference.model, version), patient=True)
        except GanymedeError as error:
            if self.refusals.get(reference) is not error:
                log.error("%s stays at %s: %s", reference, serving, error)  # noqa: TRY400 - as above
                self._count(_outcome_of(error))
            self.refusals[reference] = error
            return
        self._releases.serve(reference, version)
        self.refusals.pop(reference, None)
        log.info("%s is %s now, it was %s", reference, version, serving)
        self._count("loaded")


def _outcome_of(error: GanymedeError) -> Outcome:
    if isinstance(error, ReleaseRefused):
        return "refused"
    return "unreachable" if isinstance(error, StoreUnreachable) else "failed"
