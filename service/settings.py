"""The service's configuration: `GANYMEDE_*` variables, or the flags of `ganymede serve`."""

import difflib
from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from foundation.errors import GanymedeError
from foundation.origins import read_origin
from foundation.wrong_values import say_wrong

PREFIX = "GANYMEDE_"


class WrongSetting(GanymedeError):
    """A setting has a value that cannot be meant; the service does not start."""

    code = "wrong-setting"


class Settings(BaseSettings):
    """Frozen when the service starts; every name carries its unit.

    From here come the variables, the flags of `ganymede serve` and their help (`ganymede.commands.flags`).
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    models: str = Field(default="models", description="A folder, or s3://bucket/prefix.")
    default_model: str | None = Field(
        default=None,
        description="What a request without a model means; without it, the store's only or oldest model.",
    )
    reload_interval_s: float = Field(
        default=10.0,
        ge=0.1,
        le=86_400,
        description="Seconds between looks at the store, whether it has moved the aliases in use.",
    )
    max_resident_models: int = Field(
        default=4,
        ge=1,
        le=1000,
        description="Releases in memory, the default among them; the least recently used leaves.",
    )
    max_graph_bytes: int = Field(default=2**30, ge=1024, le=2**31 - 1, description="Of one release's graph.")
    store_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=600,
        description="Seconds of one attempt at a request to a store in S3; three are made.",
    )
    store_call_timeout_s: float = Field(
        default=30.0,
        gt=0,
        le=3600,
        description="Seconds of a whole question to the store, all attempts together; a file has more.",
    )
    load_timeout_s: float = Field(
        default=300.0,
        gt=0,
        le=86_400,
        description="Seconds to open, check and warm up a release whose graph is here.",
    )
    cache: str | None = Field(
        default=None,
        description="The folder for what comes from a store in S3; without it, the user's own cache.",
    )
    cache_max_bytes: int = Field(default=10 * 2**30, ge=2**20, description="Of all files in the cache.")
    trusted_keys: str | None = Field(
        default=None,
        description="Files of public keys, with commas between: what none of them signed is never opened.",
    )
    device: Literal["auto", "cpu", "cuda", "tensorrt"] = Field(
        default="auto", description="What the graphs run on."
    )
    precision: Literal["exact", "fast"] = Field(
        default="exact",
        description="Fast lets a GPU round more: TF32, float16 with TensorRT. A CPU refuses it.",
    )
    max_batch_images: int = Field(default=32, ge=1, le=65_536, description="Images in one run of the graph.")
    max_queue_images: int = Field(default=4096, ge=1, le=10_000_000, description="Images that may wait.")
    max_images_per_request: int = Field(
        default=1024, ge=1, le=1_000_000, description="Images, or frames, of one request."
    )
    max_pixels_per_response: int = Field(default=2**25, ge=1, le=2**31, description="Pixels of one response.")
    max_bytes_in_flight: int = Field(
        default=2**30,
        ge=2**20,
        description="What answers may hold, from their admission until they are sent.",
    )
    walk_cache_max_bytes: int = Field(
        default=2**25, ge=0, le=2**40, description="Of walks' files, kept for a player's next part."
    )
    max_picture_pixels: int = Field(
        default=2**24, ge=1, le=2**31 - 1, description="Of a picture that is sent to be projected."
    )
    max_body_bytes: int = Field(default=6 * 2**20, ge=1024, le=2**30, description="Of a request's body.")
    max_connections: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="At once; without it, what the limit of open files leaves room for, at most 10,000.",
    )
    head_timeout_s: float = Field(
        default=20.0,
        gt=0,
        le=3600,
        description="Seconds from a connection's opening, or a request's first byte, to the end of its head.",
    )
    body_timeout_s: float = Field(
        default=60.0, gt=0, le=3600, description="Seconds from a request's head to the end of its body."
    )
    write_timeout_s: float = Field(
        default=30.0, gt=0, le=3600, description="Seconds without a client's taking any of its answer."
    )
    keep_alive_s: int = Field(
        default=75,
        ge=1,
        le=3600,
        description="Seconds that a connection waits for its next request; a load balancer's must be less.",
    )
    request_timeout_s: float = Field(
        default=30.0, gt=0, le=3600, description="Seconds until a request is answered with 504."
    )
    lame_duck_s: float = Field(
        default=0.0,
        ge=0,
        le=3600,
        description="Seconds after SIGTERM in which requests are still taken, and /readyz says 503.",
    )
    drain_timeout_s: float = Field(
        default=25.0, gt=0, le=3600, description="Seconds to finish in after SIGTERM."
    )
    api_keys: SecretStr | None = Field(
        default=None,
        description="NAME:SHA256 entries, or a file of them; see `service.access.authentication`.",
    )
    url_signing_keys: SecretStr | None = Field(
        default=None,
        description="Keys of signed addresses, commas between; see `service.access.url_signatures`.",
    )
    rate_images_per_s: float | None = Field(
        default=None,
        gt=0,
        le=1e9,
        description="What each API key may ask for, unless its entry says otherwise; without it, any number.",
    )
    quota_images_per_day: int | None = Field(
        default=None, ge=1, le=1_000_000_000_000, description="The same in a day."
    )
    wrong_keys_per_minute: int = Field(
        default=30,
        ge=1,
        le=1_000_000,
        description="Of one address; then a wrong key is 429 instead of 403, and a right one still let in.",
    )
    rates_store: SecretStr | None = Field(
        default=None,
        description="redis://…: where several processes count together; see `service.access.shared_windows`.",
    )
    cors_origins: str | None = Field(
        default=None,
        description="Whose pages may ask, such as https://app.example, with commas between; * is anybody's.",
    )
    log_format: Literal["json", "text"] = Field(default="text", description="Of the log, on standard error.")
    ui: Literal["on", "off"] = Field(default="on", description="The web page at /ui.")
    root_path: str = Field(
        default="",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="The path prefix that a proxy takes away before it passes requests on, such as /app.",
    )
    proxy_hops: int | None = Field(
        default=None,
        ge=1,
        le=16,
        description="Proxies that a request passes; whose address is told by the one so far away.",
    )
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(
        default=8000, ge=0, le=65_535, description="The port to listen on; 0 is any that is free."
    )

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: str | None) -> str | None:
        return None if origins is None else ",".join(read_origin(part) for part in origins.split(","))

    @property
    def origins(self) -> tuple[str, ...]:
        """`cors_origins`, one by one."""
        return tuple(self.cors_origins.split(",")) if self.cors_origins else ()

    @classmethod
    def load(cls, **flags: Any) -> Self:
        """Settings from the environment, each flag that is not None going before its variable.

        Raises:
            WrongSetting: a value is wrong; the message names the variable or flag, and what it takes.
        """
        given = {name: value for name, value in flags.items() if value is not None}
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]).removeprefix(PREFIX.lower())
            where = f"--{name.replace('_', '-')}" if name in given else f"{PREFIX}{name.upper()}"
            raise WrongSetting(f"{where}={first['input']!r}: {say_wrong(first)}.") from error


def explain_unknown(variables: Iterable[str]) -> list[str]:
    """A sentence for each of `variables` that looks like a setting of ours misspelt: it does nothing."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    strange = sorted(name for name in variables if name.startswith(PREFIX) and name not in known)
    return [
        f"{variable} is no setting and does nothing. Did you mean {nearest}?"
        for variable in strange
        for nearest in difflib.get_close_matches(variable, known, n=1, cutoff=0.85)
    ]
