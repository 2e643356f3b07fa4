"""Files of walks that were answered a short while ago, so that a player's next part of one is not made anew.

Browsers ask for a film in parts (`Range`, RFC 9110, section 14), and once more for each jump in it.
"""

import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from foundation.locked_folders import LockedFolder

MOST_FILES = 64
"""Each holds a descriptor."""
LARGEST_SHARE = 0.5
"""Of the room: one film does not drive out all others."""

Name = tuple[str | None, str]
"""Whose walk it is, where there are keys, and its entity tag, which covers every byte of it."""


@dataclass(slots=True)
class KeptWalk:
    """A walk's file; it goes with the last of its users once nobody keeps it."""

    folder: LockedFolder
    path: Path
    found: os.stat_result
    users: int = 0
    kept: bool = True

    def leave(self) -> None:
        """One user less."""
        self.users -= 1
        self._remove_unused()

    def let_go(self) -> None:
        """Keep it no longer."""
        self.kept = False
        self._remove_unused()

    def _remove_unused(self) -> None:
        if not self.kept and not self.users:
            self.folder.remove()


class KeptWalks:
    """The files used last, of at most `max_bytes` in sum; to be used on one event loop."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._walks: OrderedDict[Name, KeptWalk] = OrderedDict()

    @property
    def held_bytes(self) -> int:
        """What the files hold."""
        return sum(walk.found.st_size for walk in self._walks.values())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._walks)

    def find(self, name: Name) -> KeptWalk | None:
        """The file of a walk, with one user more, who has to `leave` it; None where there is none."""
        walk = self._walks.get(name)
        if walk is None:
            return None
        if not walk.path.exists():  # whatever tidies the system's temporary files was here
            self._walks.pop(name).let_go()
            return None
        self._walks.move_to_end(name)
        walk.users += 1
        return walk

    def keep(self, name: Name | None, folder: LockedFolder, path: Path) -> KeptWalk:
        """Take over a walk's file for one user, who has to `leave` it.

        It is kept beyond that if it has a name and is not too large.

        Raises:
            OSError: there is no such file; then its folder goes, too.
        """
        try:
            walk = KeptWalk(folder, path, path.stat(), users=1)
        except OSError:
            folder.remove()
            raise
        if name is None or walk.found.st_size > self._max_bytes * LARGEST_SHARE:
            walk.kept = False
            return walk
        if earlier := self._walks.pop(name, None):
            earlier.let_go()
        self._walks[name] = walk
        while self.held_bytes > self._max_bytes or len(self._walks) > MOST_FILES:
            self._walks.popitem(last=False)[1].let_go()
        return walk

    def close(self) -> None:
        """Keep none any more."""
        while self._walks:
            self._walks.popitem()[1].let_go()
