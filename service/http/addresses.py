"""The address that a request asks for, as this service knows it: without a proxy's prefix."""

import re

from starlette.types import Scope

OPEN_PATHS = frozenset({"/livez", "/readyz", "/ping", "/metrics", "/v2/health/live", "/v2/health/ready"})
"""What load balancers and Prometheus ask, without a key and again and again: open, and not logged."""

PAGE_PATHS = frozenset({"/", "/ui", "/ui/"})
PAGE_FILES = re.compile(r"/ui/assets/[0-9a-f]{1,64}/[a-z0-9_-]{1,64}\.(?:css|js|svg)")
"""The page's own files, the same for everybody: open for reading, as a browser loads them without a key."""

ROUTE = "ganymede.route"
"""Where the scope of a POST for pictures holds the address that it is for, once it is let in."""


def path_of(scope: Scope) -> str:
    """The path of a request's `scope` behind its `root_path`: what keys, routes and figures are told by.

    The prefix ends where a segment does, as Starlette's routing has it: `/pre` is none of `/prefix`.
    """
    path: str = scope.get("path", "")
    if not (root_path := scope.get("root_path", "")):
        return path
    prefix = str(root_path).rstrip("/")
    rest = path.removeprefix(prefix)
    return rest if rest[:1] in ("", "/") else path


def is_page(scope: Scope) -> bool:
    """Whether a request reads the page itself, which holds nothing of the store's."""
    path = path_of(scope)
    return scope.get("method") in ("GET", "HEAD") and (path in PAGE_PATHS or bool(PAGE_FILES.fullmatch(path)))


def speaks_inference(scope: Scope) -> bool:
    """Whether a request belongs to the Open Inference Protocol, whose clients read errors in its own way."""
    path = path_of(scope)
    return path == "/v2" or path.startswith("/v2/")
