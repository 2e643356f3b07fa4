"""What is said to a service and what becomes of its answers, whoever waits for them.

An exchange is a generator. It yields what is to be done next, a `Call` or a `Pause`, is sent what came of
that, and returns the library's own object: the clients only send and sleep, one while its caller waits, the
other while it is awaited. httpx has its flows of authentication written so, too.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, Unpack

import httpx

from foundation.errors import BodyTooLarge, InvalidField
from ganymede.library.answers import Model, Pictures, Walk
from ganymede.library.http import Attempts
from ganymede.library.orders import (
    Fields,
    PictureFields,
    PictureOrder,
    Portions,
    ProjectionFields,
    WalkFields,
    write_body,
    write_walk,
)
from ganymede.library.projecting import Picture, ProjectionOrder, Projections
from ganymede.library.reading import join_pictures, name_model, read_array, read_models, read_walk


@dataclass(frozen=True, slots=True)
class Call:
    """A request to be sent."""

    method: str
    path: str
    content: bytes | None = None
    """JSON, where there is any."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What is said of the content."""
        return {} if self.content is None else {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Pause:
    """So long to wait before the next."""

    seconds: float


Reply: TypeAlias = httpx.Response | httpx.TransportError | None
"""What came of a call; None of a pause."""
Found = TypeVar("Found")
Exchange: TypeAlias = Generator[Call | Pause, Reply, Found]


class Exchanges:
    """All that a service is asked. Each raises what `ganymede.library.client.Client` says of its method."""

    def __init__(self, tries: int, patience_s: float) -> None:
        """A call is tried so often, and waits `patience_s` in all between."""
        self._tries, self._patience_s = tries, patience_s

    def generate(
        self, model: str | None, seeds: Sequence[int] | None, **asked: Unpack[PictureFields]
    ) -> Exchange[Pictures]:
        """Pictures, in as many requests as the service's limits want."""
        order = PictureOrder(model, seeds, **asked)
        portions, arrays, drawn_by = Portions(order.count), [], ""
        for start, stop in portions:
            body = order.body(start, stop) | {"format": "npy"}
            if drawn_by:
                body["model"] = drawn_by  # that nothing changes between two requests for the same pictures
            try:
                answer = yield from self._ask("POST", "/generate", body)
            except InvalidField as error:
                if portions.shrink(error.field):
                    continue
                raise
            arrays.append(read_array(answer))
            drawn_by = name_model(answer)
            portions.take(stop - start)
        return join_pictures(order, arrays, drawn_by)

    def walk(
        self, model: str | None, seeds: Sequence[int] | None, format: str, **asked: Unpack[WalkFields]
    ) -> Exchange[Walk]:
        """A walk's file."""
        body = write_walk(model, seeds, format, **asked)
        answer = yield from self._ask("POST", "/latent-walk", body)
        return read_walk(answer, format, body.get("seeds"))

    def project(
        self, pictures: Picture | Iterable[Picture], model: str | None, **asked: Unpack[ProjectionFields]
    ) -> Exchange[Projections]:
        """Where pictures are, in as many requests as the service's limits want."""
        order = ProjectionOrder(pictures, model, **asked)
        for start, stop in order.portions:
            try:
                answer = yield from self._ask("POST", "/project", order.body(start, stop))
                order.take(answer, stop - start)
            except (BodyTooLarge, InvalidField) as error:
                order.ask_for_less(error)
        return order.finish()

    def models(self) -> Exchange[list[Model]]:
        """The models of the service."""
        return read_models((yield from self._ask("GET", "/models")))

    def _ask(self, method: str, path: str, body: Fields | None = None) -> Exchange[httpx.Response]:
        attempts = Attempts(self._tries, self._patience_s)
        call = Call(method, path, None if body is None else write_body(body))
        while True:
            answer = yield call
            if answer is None:
                raise TypeError("A call was sent nothing.")
            wait_s = attempts.wait_after(answer)
            if wait_s is None and isinstance(answer, httpx.Response):
                return answer
            yield Pause(wait_s or 0.0)
