"""`ganymede sign-url`: an address of a picture that a page may show without a key."""

import os
import re
import time
from typing import Annotated

import typer

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the command line."""
    app.command("sign-url")(sign_url)


def sign_url(
    url: Annotated[str, typer.Argument(help="Such as https://HOST/images/MODEL@VERSION/7.png?scale=4.")],
    valid: Annotated[str, typer.Option(help="How long, such as 90m, 12h or 30d; 366d at most.")] = "7d",
    root_path: Annotated[
        str | None, typer.Option(help="A proxy's prefix.", show_default="GANYMEDE_ROOT_PATH")
    ] = None,
) -> None:
    """Sign the address of a picture with the (first) key in GANYMEDE_URL_SIGNING_KEYS."""
    from urllib.parse import parse_qsl, unquote, urlsplit

    from service.access.url_signatures import (
        EXPIRES,
        MAX_LIFETIME_S,
        SIGNATURE,
        SIGNED_PATHS,
        read_signing_keys,
        sign_address,
    )
    from service.settings import Settings, WrongSetting

    keys = read_signing_keys(Settings.load())
    if not keys:
        raise WrongSetting(
            "GANYMEDE_URL_SIGNING_KEYS is not set: nothing can be signed without the service's key."
        )
    parts = urlsplit(url)
    prefix = (os.environ.get("GANYMEDE_ROOT_PATH", "") if root_path is None else root_path).rstrip("/")
    path = unquote(parts.path)
    inner = path.removeprefix(prefix)
    if not inner.startswith(SIGNED_PATHS):
        raise typer.BadParameter(f"only addresses of {SIGNED_PATHS}… can be signed", param_hint="URL")
    match = re.fullmatch(r"(\d{1,9})([smhd])", valid, re.ASCII)
    lifetime_s = int(match[1]) * _UNITS_S[match[2]] if match else 0
    if not 0 < lifetime_s <= MAX_LIFETIME_S:
        raise typer.BadParameter("a number and s, m, h or d, 366d at most", param_hint="--valid")
    query = [
        pair
        for pair in parse_qsl(parts.query, keep_blank_values=True)
        if pair[0] not in (EXPIRES, SIGNATURE)  # signed anew
    ]
    signed = sign_address(inner, query, expires=int(time.time()) + lifetime_s, key=keys[0])
    host = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    typer.echo(f"{host}{prefix}{signed}")
