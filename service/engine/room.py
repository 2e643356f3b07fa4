"""Room that requests share: for the images that wait, and for the bytes that answers hold."""

_SHARE = 3
"""How many times what is still free a requester may hold; see `Room`."""


class Room:
    """A bounded amount of something, and who holds how much of it. To be used on one event loop.

    A requester who holds something already may take more only while that leaves others a part: it holds at
    most three times what is free then, which is three quarters when it is alone (dynamic thresholds;
    Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998). One that
    holds nothing needs no more than the room itself, and the first one of all not even that.
    """

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.held = 0
        self._shares: dict[str, int] = {}

    def fits(self, amount: int, requester: str | None = None) -> bool:
        """Whether `requester` may take so much now."""
        if not self.held:
            return True  # it would never fit otherwise
        left = self.maximum - self.held - amount
        if left < 0:
            return False
        share = self.share_of(requester)
        return not share or share + amount <= _SHARE * left

    def is_full(self, amount: int) -> bool:
        """Whether so much has no room, whoever asks for it."""
        return bool(self.held) and self.held + amount > self.maximum

    def share_of(self, requester: str | None) -> int:
        """How much `requester` holds; what is nobody's is not counted."""
        return 0 if requester is None else self._shares.get(requester, 0)

    def take(self, amount: int, requester: str | None = None) -> None:
        """Take so much, whether it fits or not."""
        self.held += amount
        if requester is not None and amount:
            self._shares[requester] = self._shares.get(requester, 0) + amount

    def give_back(self, amount: int, requester: str | None = None) -> None:
        """Give back what `requester` took."""
        self.held -= amount
        if requester is not None and amount:
            left = self._shares[requester] - amount
            if left:
                self._shares[requester] = left
            else:
                del self._shares[requester]
