"""Following the store while the service runs: where aliases go, the service goes, and never to its harm."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass

from foundation.errors import GanymedeError, ReleaseRefused, StoreUnreachable, Unavailable
from foundation.store import Aliases, Reference
from service.metrics import Outcome
from service.releases.lookup import Releases

log = logging.getLogger(__name__)

STUCK_S = 60.0
"""A version that loads for longer is told under `refused`, though it may yet come."""


@dataclass(frozen=True, slots=True)
class _Move:
    """An alias on its way to a version, which is being loaded."""

    version: str
    began_s: float
    task: asyncio.Task[None]


class Reloading:
    """Asks for the aliases in use every `interval_s`; a new version is loaded beside the old, then swapped.

    What cannot be loaded is refused by name and counted, and the old version goes on serving. Each model is
    asked for, and each version loaded, by itself: one that hangs keeps no other waiting, and an alias that
    moves on, or back, does not wait for where it was to go before.
    """

    def __init__(
        self, releases: Releases, *, interval_s: float, count: Callable[[Outcome], None] = lambda _: None
    ) -> None:
        self._refusals: dict[Reference, GanymedeError] = {}
        self._releases = releases
        self._interval_s = interval_s
        self._count = count
        self._known: dict[str, Aliases] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._moves: dict[Reference, _Move] = {}
        self._default: asyncio.Task[None] | None = None
        self._broken: dict[str, GanymedeError] = {}
        self._task: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        """Set once the default model was loaded for the first time."""

    @property
    def refusals(self) -> dict[Reference, GanymedeError]:
        """Why an alias is not served where it points in the store, or a canary is left out."""
        now_s = asyncio.get_running_loop().time()
        stuck = {
            reference: Unavailable(
                f"{reference.model}@{move.version} has been loading for {now_s - move.began_s:.0f} s."
            )
            for reference, move in self._moves.items()
            if now_s - move.began_s > STUCK_S
        }
        return {**self._refusals, **stuck, **self._releases.canaries.refusals}

    @property
    def broken(self) -> dict[str, GanymedeError]:
        """Why the aliases of a model in use could not be read when they were last asked for."""
        return dict(self._broken)

    def start(self) -> None:
        """Load the default model and begin to follow, in the background."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop following."""
        tasks = [*self._asking.values(), *(move.task for move in self._moves.values())]
        tasks += [task for task in (self._task, self._default) if task is not None]
        self._releases.canaries.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._releases.residents.close()

    async def follow(self) -> None:
        """Ask once for every model in use, and load what has changed; wait for that an interval at most."""
        releases = self._releases
        releases.forget()
        if releases.default is None and (self._default is None or self._default.done()):
            self._default = self._begin(self._load_default())
        models = {reference.model for reference in releases.versions}
        self._known = {model: known for model, known in self._known.items() if model in models}
        self._broken = {model: error for model, error in self._broken.items() if model in models}
        for model in sorted(models):
            if model not in self._asking or self._asking[model].done():
                self._asking[model] = self._begin(self._follow_model(model))
        for model in [model for model, task in self._asking.items() if task.done() and model not in models]:
            del self._asking[model]
        deadline_s = asyncio.get_running_loop().time() + self._interval_s
        asked = [*self._asking.values(), *([self._default] if self._default else [])]
        await _wait(asked, deadline_s)
        await _wait([move.task for move in self._moves.values()], deadline_s)
        for gone in self._refusals.keys() - releases.versions.keys():
            del self._refusals[gone]

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            try:
                await self.follow()
            except Exception as error:
                self._note_fault(error)
            took_s = loop.time() - began_s
            await asyncio.sleep(max(self._interval_s - took_s, self._interval_s / 10))

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        async def outlive() -> None:
            try:
                await work
            except Exception as error:
                self._note_fault(error)

        return asyncio.create_task(outlive())

    def _note_fault(self, error: Exception) -> None:
        """Log what no one foresaw: following must outlive whatever a store or a graph can do."""
        log.error("following the store failed; it goes on in %g s", self._interval_s, exc_info=error)
        self._count("failed")

    async def _load_default(self) -> None:
        before = str(self._releases.default_error)
        try:
            await self._releases.load_default()
        except GanymedeError as error:
            if str(error) != before:
                log.error("not ready: %s", error)  # noqa: TRY400 - the sentence says it all
                self._count(_outcome_of(error))
        else:
            self.ready.set()

    async def _follow_model(self, model: str) -> None:
        releases, store = self._releases, self._releases.store
        try:
            aliases = await releases.following.run(store.aliases, model, self._known.get(model))
        except GanymedeError as error:
            if str(error) != str(self._broken.get(model)):
                log.warning("the aliases of %s could not be read: %s", model, error)
            self._count(_outcome_of(error))
            self._broken[model] = error
            return
        self._broken.pop(model, None)
        if (failure := store.failure) is not None:
            log.warning("what is loaded goes on serving: %s", failure)
            self._count("unreachable")
        self._known[model] = aliases
        for alias, entry in aliases.entries.items():
            reference = Reference(model, alias)
            serving = releases.versions.get(reference)
            if serving is not None:
                self._move(reference, serving, entry.version)
                releases.canaries.follow(reference, entry, serving)
        for reference in [known for known in releases.versions if known.model == model]:
            if reference.selector not in aliases.entries:
                releases.canaries.forget(reference)

    def _move(self, reference: Reference, serving: str, version: str) -> None:
        """Begin to load `version`, unless that is under way; what is under way to another place is let go."""
        under_way = self._moves.get(reference)
        if under_way is not None:
            if under_way.version == version:
                return
            under_way.task.cancel()  # who waits leaves; what is loading comes to its end by itself
            del self._moves[reference]
        if serving == version:
            self._refusals.pop(reference, None)
            return
        task = self._begin(self._load(reference, serving, version))
        self._moves[reference] = _Move(version, asyncio.get_running_loop().time(), task)
        task.add_done_callback(lambda done: self._forget_move(reference, done))

    def _forget_move(self, reference: Reference, task: asyncio.Task[None]) -> None:
        if (move := self._moves.get(reference)) and move.task is task:
            del self._moves[reference]

    async def _load(self, reference: Reference, serving: str, version: str) -> None:
        try:
            await self._releases.residents.obtain((reference.model, version), patient=True)
        except GanymedeError as error:
            if str(self._refusals.get(reference)) != str(error):
                log.error("%s stays at %s: %s", reference, serving, error)  # noqa: TRY400 - as above
                self._count(_outcome_of(error))
            self._refusals[reference] = error
            return
        self._releases.serve(reference, version)
        self._refusals.pop(reference, None)
        log.info("%s is %s now, it was %s", reference, version, serving)
        self._count("loaded")


async def _wait(tasks: Collection[asyncio.Task[None]], deadline_s: float) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=max(0.0, deadline_s - asyncio.get_running_loop().time()))


def _outcome_of(error: GanymedeError) -> Outcome:
    if isinstance(error, ReleaseRefused):
        return "refused"
    return "unreachable" if isinstance(error, StoreUnreachable) else "failed"
