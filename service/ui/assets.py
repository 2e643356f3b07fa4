"""The page's files, read once: their bytes, plain and packed, under an address that names all of them."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

_FRONT = Path(__file__).with_name("front")
_INDEX = "index.html"
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FIRST = ("page.css", "main.js")
"""What `index.html` names itself."""


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
    a change of any is another folder. Modules find each other there by relative paths.
    """

    def __init__(self, folder: Path = _FRONT) -> None:
        """Read the files in `folder`; raises `OSError` where they cannot be read."""
        files = {
            path.name: Asset.of(path.read_bytes(), _MEDIA_TYPES[path.suffix])
            for path in sorted(folder.iterdir())
            if path.suffix in _MEDIA_TYPES
        }
        index = files.pop(_INDEX).content.decode()
        self._files = files
        names = "\n".join(f"{name} {asset.digest}" for name, asset in files.items())
        self.digest = hashlib.sha256(names.encode()).hexdigest()[:16]
        self._indices = {wanted: self._write_index(index, key_wanted=wanted) for wanted in (False, True)}

    def index(self, *, key_wanted: bool) -> Asset:
        """The document; it says whether the visitor has to be asked for an API key."""
        return self._indices[key_wanted]

    def find(self, digest: str, name: str) -> Asset | None:
        """The file `name` of the folder `digest`; None where there is none."""
        return self._files.get(name) if digest == self.digest else None

    def _write_index(self, text: str, *, key_wanted: bool) -> Asset:
        modules = [name for name in self._files if name.endswith(".js") and name not in _FIRST]
        folder = f"assets/{self.digest}"
        # All at once: a module's own imports are known only when it has come.
        preloads = "\n".join(f'<link rel="modulepreload" href="{folder}/{name}">' for name in modules)
        filled = (
            text.replace("{assets}", folder)
            .replace("<!-- preloads -->", preloads)
            .replace("{key}", "wanted" if key_wanted else "none")
        )
        return Asset.of(filled.encode(), _MEDIA_TYPES[".html"])
