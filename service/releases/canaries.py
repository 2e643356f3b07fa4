"""Second versions on trial beside an alias's own: who gets them, and following where they go."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping

from foundation.errors import GanymedeError
from foundation.store import Alias, Canary, Reference
from service.releases.opening import Release
from service.releases.residents import Key, Residents

log = logging.getLogger(__name__)


class Canaries:
    """The canaries that are loaded, by the reference that they stand beside; to be used on one event loop.

    One that cannot be loaded, or fails its golden check, is left out, and said: the alias's own version
    answers all.
    """

    def __init__(
        self, residents: Residents, caller: Callable[[], str | None], changed: Callable[[], None]
    ) -> None:
        """`caller` names whom the current task works for; `changed` is told when one begins or ends."""
        self._residents = residents
        self._caller = caller
        self._changed = changed
        self._served: dict[Reference, Canary] = {}
        self._left_out: dict[Reference, tuple[str, GanymedeError]] = {}
        self._beginning: dict[Reference, tuple[Canary, asyncio.Task[bool]]] = {}
        self.shadows = False
        """Whether any of them is a shadow."""

    @property
    def refusals(self) -> dict[Reference, GanymedeError]:
        """Why a canary is left out, by its model and version."""
        return {
            Reference(reference.model, version): error
            for reference, (version, error) in self._left_out.items()
        }

    def pick(self, reference: Reference, version: str) -> str:
        """The version for the caller, where `reference` itself means `version`: the same one every time."""
        canary = self._served.get(reference)
        if canary is None or canary.version == version:
            return version
        caller = self._caller()
        if caller is None or find_place(reference.model, caller) >= canary.share:
            return version
        return canary.version

    async def choose(self, reference: Reference, release: Release) -> Release:
        """`release`, which `reference` itself means, or the canary's where the caller is one of its."""
        version = self.pick(reference, release.manifest.version)
        if version == release.manifest.version:
            return release
        try:
            return await self._residents.obtain((reference.model, version))
        except GanymedeError:  # it left memory and does not come back; following the store tells why
            return release

    def find_shadow(self, answering: Release, meant: Mapping[Reference, str]) -> Release | None:
        """The canary that shadows what `answering` answers, where one of the references `meant` has it so."""
        model, version = answering.manifest.name, answering.manifest.version
        for reference, canary in self._served.items():
            if canary.shadow and reference.model == model and meant.get(reference) == version:
                return self._residents.held().get((model, canary.version))
        return None

    def keys(self, *references: Reference) -> set[Key]:
        """The versions on trial, of `references` or of all."""
        return {
            (reference.model, canary.version)
            for reference, canary in self._served.items()
            if not references or reference in references
        }

    async def begin(self, reference: Reference, canary: Canary, *, patient: bool = False) -> bool:
        """Load `canary` and let it have its callers; whether that came to be."""
        try:
            await self._residents.obtain((reference.model, canary.version), patient=patient)
        except GanymedeError as error:
            version, before = self._left_out.get(reference, ("", None))
            if (version, str(before)) != (canary.version, str(error)):
                log.error(  # noqa: TRY400 - the sentence says it all
                    "the canary %s of %s is left out: %s", canary.version, reference, error
                )
            self._left_out[reference] = canary.version, error
            self._drop(reference)
            return False
        self._left_out.pop(reference, None)
        self._served[reference] = canary
        self._tell()
        log.info("%s has the canary %s now (%s)", reference, canary.version, canary.describe())
        return True

    def follow(self, reference: Reference, entry: Alias, serving: str) -> asyncio.Task[bool] | None:
        """Go where the store's `entry` goes, while `reference` means `serving` here; what loads it if any."""
        wanted = entry.trial
        if under_way := self._beginning.get(reference):
            known, task = under_way
            if known == wanted and not task.done():
                return task
            task.cancel()
            del self._beginning[reference]
        served = self._served.get(reference)
        if wanted is None:
            self._left_out.pop(reference, None)
            if served is not None and served.version == entry.version != serving:
                return None  # it was promoted: its callers keep it until all have it
            self._drop(reference)
            return None
        if wanted == served:
            return None
        task = asyncio.create_task(self.begin(reference, wanted, patient=True))
        self._beginning[reference] = wanted, task
        return task

    def forget(self, reference: Reference) -> None:
        """Let go of what stands beside a reference that nobody uses any more."""
        if under_way := self._beginning.pop(reference, None):
            under_way[1].cancel()
        self._left_out.pop(reference, None)
        self._drop(reference)

    def close(self) -> None:
        """Stop following."""
        for _, task in self._beginning.values():
            task.cancel()

    def _drop(self, reference: Reference) -> None:
        ended = self._served.pop(reference, None)
        if ended is not None:
            self._tell()
            log.info("%s has no canary any more, it was %s", reference, ended.version)

    def _tell(self) -> None:
        self.shadows = any(canary.shadow for canary in self._served.values())
        self._changed()


def find_place(model: str, caller: str) -> float:
    """Where `caller` stands among all callers of `model`, in [0, 1): a canary has those below its share.

    A caller keeps its place whatever the share becomes, on every machine, and has another for another model.
    """
    digest = hashlib.blake2b(f"{model}\0{caller}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
