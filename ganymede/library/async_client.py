"""A service over HTTP; for programs that wait for many things at once: its methods are awaited."""

import asyncio
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self, Unpack

import httpx

from foundation.errors import BodyTooLarge, InvalidField
from ganymede.library.answers import Model, Pictures, Walk
from ganymede.library.http import PATIENCE_S, TIMEOUT_S, TRIES, Attempts, write_options
from ganymede.library.orders import (
    Fields,
    PictureFields,
    PictureOrder,
    Portions,
    ProjectionFields,
    WalkFields,
    write_walk,
)
from ganymede.library.projecting import Picture, ProjectionOrder, Projections
from ganymede.library.reading import join_pictures, name_model, read_array, read_models, read_walk


class AsyncClient:
    """What `ganymede.connect_async` returns. It is used by one event loop."""

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
        self._http = httpx.AsyncClient(**write_options(url, key, timeout_s))
        self._tries, self._patience_s = tries, patience_s

    async def generate(
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
        order = PictureOrder(model, seeds, **asked)
        portions, arrays, drawn_by = Portions(order.count), [], ""
        for start, stop in portions:
            body = order.body(start, stop) | {"format": "npy"}
            if drawn_by:
                body["model"] = drawn_by  # that nothing changes between two requests for the same pictures
            try:
                answer = await self._ask("POST", "/generate", body)
            except InvalidField as error:
                if portions.shrink(error.field):
                    continue
                raise
            arrays.append(read_array(answer))
            drawn_by = name_model(answer)
            portions.take(stop - start)
        return join_pictures(order, arrays, drawn_by)

    async def walk(
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
        body = write_walk(model, seeds, format, **asked)
        return read_walk(await self._ask("POST", "/latent-walk", body), format, body.get("seeds"))

    async def project(
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
        order = ProjectionOrder(pictures, model, **asked)
        for start, stop in order.portions:
            try:
                order.take(await self._ask("POST", "/project", order.body(start, stop)), stop - start)
            except (BodyTooLarge, InvalidField) as error:
                order.ask_for_less(error)
        return order.finish()

    async def models(self) -> list[Model]:
        """The models of the service.

        Raises:
            GanymedeError: one of `ganymede.errors`.
        """
        return read_models(await self._ask("GET", "/models"))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, method: str, path: str, body: Fields | None = None) -> httpx.Response:
        attempts = Attempts(self._tries, self._patience_s)
        options: dict[str, Any] = {} if body is None else {"json": body}
        while True:
            answer: httpx.Response | httpx.TransportError
            try:
                answer = await self._http.request(method, path, **options)
            except httpx.TransportError as error:
                answer = error
            wait_s = attempts.wait_after(answer)
            if wait_s is None and isinstance(answer, httpx.Response):
                return answer
            await asyncio.sleep(wait_s or 0.0)
