"""The page's files, read once: their bytes, plain and packed, under an address that names all of them."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from service.ui.bundle import bundle_modules

_FRONT = Path(__file__).with_name("front")
_INDEX = "index.html"
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_ENTRY = "main.js"
SCRIPT = "page.js"
"""All modules, as one file."""
_BEGINNING = "<!-- beginning -->"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    packed: bytes
    """The same as gzip (RFC 1952), the same bytes at every start."""
    media_type: str
    digest: str

    @classmethod
    def of(cls, content: bytes, media_type: str) -> "Asset":
        """The asset of these bytes."""
        packed = gzip.compress(content, 9, mtime=0)
        return cls(content, packed, media_type, hashlib.sha256(content).hexdigest()[:32])


class Assets:
    """All that the page consists of.

    `index.html` names the folder of the others by their common `digest`, so that each may be kept for ever:
    a change of any is another folder.
    """

    def __init__(self, folder: Path = _FRONT) -> None:
        """Read the files in `folder`.

        Raises:
            OSError: they cannot be read.
            ValueError: the modules do not fit together.
        """
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in _MEDIA_TYPES}
        index = files.pop(_INDEX).decode()
        modules = {name: files.pop(name).decode() for name in sorted(files) if name.endswith(".js")}
        files[SCRIPT] = bundle_modules(modules, _ENTRY).encode()
        self._files = {name: Asset.of(files[name], _MEDIA_TYPES[Path(name).suffix]) for name in sorted(files)}
        names = "\n".join(f"{name} {asset.digest}" for name, asset in self._files.items())
        self.digest = hashlib.sha256(names.encode()).hexdigest()[:16]
        self._index = index.replace("{assets}", f"assets/{self.digest}")

    def write_index(self, *, key_wanted: bool, beginning: bytes | None = None) -> Asset:
        """The document; it says whether the visitor has to be asked for an API key.

        `beginning` is JSON that the page would ask for first, so that it need not.
        """
        text = self._index.replace("{key}", "wanted" if key_wanted else "none")
        told = ""
        if beginning is not None:
            # Only `<` could end the element (HTML, 4.12.1.3); in JSON it stands in strings alone.
            safe = beginning.decode().replace("<", "\\u003c")
            told = f'<script type="application/json" id="beginning">{safe}</script>'
        return Asset.of(text.replace(_BEGINNING, told).encode(), _MEDIA_TYPES[".html"])

    def find(self, digest: str, name: str) -> Asset | None:
        """The file `name` of the folder `digest`; None where there is none."""
        return self._files.get(name) if digest == self.digest else None
