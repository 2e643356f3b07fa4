"""The registry of endpoints is this folder: each is a module with an `ENDPOINT`."""

import pkgutil
from importlib import import_module
from typing import Any

from service import endpoints
from service.endpoints.endpoint import Endpoint


def find_endpoints() -> tuple[Endpoint[Any], ...]:
    """The endpoints of all modules in the folder, by the modules' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(endpoints.__path__))
    modules = (import_module(f"{endpoints.__name__}.{name}") for name in names)
    found = (vars(module).get("ENDPOINT") for module in modules)
    return tuple(endpoint for endpoint in found if isinstance(endpoint, Endpoint))
