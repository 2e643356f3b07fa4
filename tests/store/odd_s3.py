"""A small S3 in memory that differs from AWS's in the ways other stores are reported to."""

import hashlib
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "odd"
DRIP_PAUSE_S = 0.1
FORBIDDEN = "User: arn:aws:iam::123456789012:role/secret is not allowed on arn:aws:s3:::odd/models at host-7"

Metadata = dict[str, str]


class OddS3(ThreadingHTTPServer):
    """`quirks` are read anew with every request; `objects` are contents and metadata by key."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.quirks: set[str] = set()
        self.objects: dict[str, tuple[bytes, Metadata]] = {}
        self.uploads: dict[str, tuple[dict[int, bytes], Metadata]] = {}
        self.asked: list[tuple[str, str]] = []
        """Method and key of every request."""
        self.mutex = threading.Lock()
        self.ended = threading.Event()

    def variables(self) -> dict[str, str]:
        """AWS's own environment variables for this server."""
        return {
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{self.server_port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: OddS3

    def log_message(self, *_: object) -> None:
        """Nothing: `asked` has it."""

    def do_GET(self) -> None:
        """Answer any request; the other methods are this one by another name."""
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        key = unquote(parts.path).lstrip("/").partition("/")[2]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        quirks = self.server.quirks
        self.server.asked.append((self.command, key))
        if "drip" in quirks and f"pass:{key}" not in quirks:
            self._drip()
        elif "redirect" in quirks:
            self._answer(307, headers={"Location": self.path})
        elif "forbid" in quirks:
            self._fail(403, "AccessDenied", FORBIDDEN)
        elif "move" in quirks:
            self._fail(301, "PermanentRedirect", extra="<Endpoint>elsewhere</Endpoint>")
        elif "region" in quirks and "/eu-central-1/s3/" not in self.headers.get("Authorization", ""):
            self._fail(400, "AuthorizationHeaderMalformed", extra="<Region>eu-central-1</Region>")
        elif "page" in quirks:
            self._answer(200, b"<html>It works!</html>")
        elif "refuse-checksums" in quirks and any("x-amz-checksum" in name.lower() for name in self.headers):
            self._fail(400, "InvalidArgument", "Unsupported header x-amz-checksum")
        else:
            with self.server.mutex:
                self._route(key, query, body)

    do_PUT = do_POST = do_HEAD = do_GET  # noqa: N815 - the names are http.server's

    def _route(self, key: str, query: dict[str, str], body: bytes) -> None:
        server = self.server
        metadata = {name: value for name, value in self.headers.items() if "x-amz-meta-" in name.lower()}
        if not key:
            self._list(query)
        elif self.command in ("GET", "HEAD"):
            self._read(key)
        elif "uploads" in query:
            upload = uuid.uuid4().hex
            server.uploads[upload] = ({}, metadata)
            self._answer(200, f"<R><UploadId>{upload}</UploadId></R>".encode())
        elif self.command == "PUT" and "uploadId" in query:
            server.uploads[query["uploadId"]][0][int(query["partNumber"])] = body
            self._answer(200, headers={"ETag": self._tag(body)})
        elif query.get("uploadId", "") not in ("", *server.uploads):
            self._fail(404, "NoSuchUpload")
        elif self._holds(key):
            if "uploadId" in query:
                parts, metadata = server.uploads.pop(query["uploadId"])
                body = b"".join(parts[number] for number in sorted(parts))
            server.objects[key] = (body, metadata)
            if "uploadId" in query and "lose-completion" in server.quirks:
                self._fail(500, "InternalError")  # botocore asks again, for an upload that is no more
                return
            self._answer(
                200, f"<R><ETag>{escape(self._tag(body))}</ETag></R>".encode(), {"ETag": self._tag(body)}
            )

    def _holds(self, key: str) -> bool:
        """Whether the request's condition holds; if not, it is answered here."""
        if "ignore-conditions" in self.server.quirks:
            return True
        found = self.server.objects.get(key)
        tag = self.headers.get("If-Match")
        if (tag or self.headers.get("If-None-Match")) and "no-conditions" in self.server.quirks:
            self._fail(501, "NotImplemented", "A header you provided implies functionality that is not here")
            return False
        if (found and self.headers.get("If-None-Match")) or (tag and found and tag != self._tag(found[0])):
            status = 409 if "conflict" in self.server.quirks else 412
            self._fail(status, "ConditionalRequestConflict" if status == 409 else "PreconditionFailed")
            return False
        if tag and not found:
            self._fail(404, "NoSuchKey")
            return False
        return True

    def _read(self, key: str) -> None:
        quirks, found = self.server.quirks, self.server.objects.get(key)
        if "denied" in quirks and not found:
            self._fail(403, "AccessDenied")
        elif not found:
            self._answer(404) if "no-code" in quirks else self._fail(404, "NoSuchKey")
        elif self.command == "GET" and "archived" in quirks:
            self._fail(403, "InvalidObjectState", extra="<StorageClass>GLACIER</StorageClass>")
        elif self.headers.get("If-None-Match") == self._tag(found[0]):
            self._answer(304, headers={"ETag": self._tag(found[0])})
        else:
            content, metadata = found
            names = {name: name.title() if "title-metadata" in quirks else name.lower() for name in metadata}
            headers = {names[name]: value for name, value in metadata.items()}
            start = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
            status, body = 200, content
            if start and "no-ranges" not in quirks:
                status, body = 206, content[int(start[1]) :]
                headers["Content-Range"] = f"bytes {start[1]}-{len(content) - 1}/{len(content)}"
            headers["ETag"] = self._tag(content)
            if self.command == "GET" and "break" in quirks and len(body) > 1000:
                self._answer(status, body, headers, cut=2 * len(content) // 3)
            else:
                self._answer(status, body, headers)

    def _list(self, query: dict[str, str]) -> None:
        if "denied" in self.server.quirks:
            self._fail(403, "AccessDenied", "You may not list")
            return
        keys = sorted(key for key in self.server.objects if key.startswith(query.get("prefix", "")))
        rest = [key for key in keys if key > query.get("continuation-token", "")]
        page = rest[:1] if "short-pages" in self.server.quirks else rest
        more = len(rest) > len(page)
        rows = "".join(self._row(key) for key in page)
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        self._answer(200, f"<ListBucketResult>{truncated}{token}{rows}</ListBucketResult>".encode())

    def _row(self, key: str) -> str:
        content, _ = self.server.objects[key]
        tag = escape(self._tag(content))
        return f"<Contents><Key>{escape(key)}</Key><Size>{len(content)}</Size><ETag>{tag}</ETag></Contents>"

    def _tag(self, content: bytes) -> str:
        tag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return tag if "plain-tags" in self.server.quirks else f'"{tag}"'

    def _fail(self, status: int, code: str, message: str = "no", extra: str = "") -> None:
        body = f"<Error><Code>{code}</Code><Message>{message}</Message>{extra}</Error>"
        self._answer(status, body.encode())

    def _answer(
        self, status: int, body: bytes = b"", headers: Metadata | None = None, *, cut: int | None = None
    ) -> None:
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
            if cut is not None and cut < len(body):
                self.close_connection = True

    def _drip(self) -> None:
        """Answer a byte at a time, without an end."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        self.close_connection = True
        while not self.server.ended.is_set() and "drip" in self.server.quirks:
            self.wfile.write(b"x")
            time.sleep(DRIP_PAUSE_S)


@contextmanager
def run_odd_s3(*quirks: str) -> Iterator[OddS3]:
    """Run the server with these quirks, and stop it at the end."""
    with OddS3() as server:
        server.quirks.update(quirks)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
