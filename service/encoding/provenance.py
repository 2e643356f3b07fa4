"""What every image file says of itself: how it was made, and that a machine made it.

XMP (ISO 16684-1) with IPTC's `DigitalSourceType` `trainedAlgorithmicMedia`, the mark that platforms read to
label generated media, and our own fields under `urn:ganymede:1.0/`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from xml.sax.saxutils import escape

from service.encoding.png import HEADER_BYTES, write_chunk

_MAX_LISTED = 64
_PACKET = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:ganymede="urn:ganymede:1.0/">'
    "<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    "</Iptc4xmpExt:DigitalSourceType><xmp:CreatorTool>Ganymede</xmp:CreatorTool>{fields}"
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (section 2.2), escaped or not; a class may be called so."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """How images were made: `NAME@VERSION`, and per image its seed and its class, where there is one.

    `recipe` holds by name what else of the request it takes to make them again (`describe_recipe`).
    """

    model: str
    seeds: Sequence[int] | None = None
    labels: Sequence[str] | None = None
    truncation: float = 1.0
    recipe: Mapping[str, object] = field(default_factory=dict)

    def of_image(self, index: int) -> "Provenance":
        """The provenance of one image alone."""
        return replace(
            self,
            seeds=None if self.seeds is None else self.seeds[index : index + 1],
            labels=None if self.labels is None else self.labels[index : index + 1],
        )

    def xmp(self) -> bytes:
        """The XMP packet, UTF-8."""
        fields = {"model": self.model, "truncation": f"{self.truncation:g}"}
        if self.seeds is not None:
            fields["seed"] = _list(self.seeds)
        if self.labels is not None:
            fields["label"] = _list(self.labels)
        fields |= {name: json.dumps(value, ensure_ascii=False) for name, value in self.recipe.items()}
        text = "".join(
            f"<ganymede:{name}>{escape(_NO_XML.sub('�', value))}</ganymede:{name}>"
            for name, value in fields.items()
        )
        return _PACKET.format(fields=text).encode()


def write_png_xmp(xmp: bytes) -> bytes:
    """The `iTXt` chunk that holds an XMP packet."""
    return write_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)


def add_to_png(png: bytes, provenance: Provenance) -> bytes:
    """The PNG with its XMP in an `iTXt` chunk after the header, where the PNG specification wants it."""
    return png[:HEADER_BYTES] + write_png_xmp(provenance.xmp()) + png[HEADER_BYTES:]


def _list(values: Sequence[object]) -> str:
    listed = ",".join(map(str, values[:_MAX_LISTED]))
    return listed if len(values) <= _MAX_LISTED else f"{listed},..."
