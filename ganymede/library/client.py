"""A service over HTTP; each method waits for the answer."""

import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self, Unpack

import httpx

from ganymede.library.answers import Model, Pictures, Walk
from ganymede.library.exchanges import Call, Exchange, Exchanges, Found, Pause, Reply
from ganymede.library.http import PATIENCE_S, TIMEOUT_S, TRIES, write_options
from ganymede.library.orders import PictureFields, ProjectionFields, WalkFields
from ganymede.library.projecting import Picture, Projections


class Client:
    """What `ganymede.connect` returns. It may be used by several threads."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        tries: int = TRIES,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """A request may take `timeout_s`, is tried so often, and waits `patience_s` in all between.

        Raises:
            WrongUse: `url` is no address of a service.
        """
        self._http = httpx.Client(**write_options(url, key, timeout_s))
        self._exchanges = Exchanges(tries, patience_s)

    def generate(
        self,
        model: str | None = None,
        seeds: Sequence[int] | None = None,
        **asked: Unpack[PictureFields],
    ) -> Pictures:
        """The pictures of `seeds`, or of latents or a mix, or `count` at random.

        It takes as many requests as the service's limits want. `asked` are the fields of the API that
        `PictureFields` lists; what is left out is what it is there.

        Raises:
            GanymedeError: one of `ganymede.errors`.
        """
        return self._run(self._exchanges.generate(model, seeds, **asked))

    def walk(
        self,
        model: str | None = None,
        seeds: Sequence[int] | None = None,
        *,
        format: str = "mp4",
        **asked: Unpack[WalkFields],
    ) -> Walk:
        """A walk by way of the pictures of `seeds` or `latents`, in any format of `POST /latent-walk`.

        Raises:
            GanymedeError: one of `ganymede.errors`.
        """
        return self._run(self._exchanges.walk(model, seeds, format, **asked))

    def project(
        self,
        pictures: Picture | Iterable[Picture],
        model: str | None = None,
        **asked: Unpack[ProjectionFields],
    ) -> Projections:
        """Where pictures are in a model's latent space, and what it draws there.

        Each is a file's path, its bytes, or Pillow's own. With a label it is looked for in that class alone.

        Raises:
            GanymedeError: one of `ganymede.errors`; `NoProjection` where the version has no encoder.
        """
        return self._run(self._exchanges.project(pictures, model, **asked))

    def models(self) -> list[Model]:
        """The models of the service.

        Raises:
            GanymedeError: one of `ganymede.errors`.
        """
        return self._run(self._exchanges.models())

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, exchange: Exchange[Found]) -> Found:
        reply: Reply = None
        while True:
            try:
                step = exchange.send(reply)
            except StopIteration as end:
                found: Found = end.value
                return found
            reply = self._do(step)

    def _do(self, step: Call | Pause) -> Reply:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            return self._http.request(step.method, step.path, content=step.content, headers=step.headers)
        except httpx.TransportError as error:
            return error
