"""A proxy in front of a server, under a path prefix that it takes away."""

import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.patience import PATIENCE_S


class _Handler(socketserver.StreamRequestHandler):
    """Passes a connection on without `/pre`; one request a connection."""

    server: "_PrefixServer"

    def handle(self):
        head = self.rfile.readline().replace(b" /pre/", b" /", 1)
        while (line := self.rfile.readline()) != b"\r\n":
            head += b"Connection: close\r\n" if line.lower().startswith(b"connection:") else line
        with socket.create_connection(("127.0.0.1", self.server.upstream)) as upstream:
            upstream.sendall(head + b"\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            upstream.sendall(self.rfile.read(int(length[1])) if length else b"")
            with suppress(OSError):  # the browser may leave first
                while chunk := upstream.recv(65_536):
                    self.wfile.write(chunk)
                self.connection.shutdown(socket.SHUT_WR)
                self.rfile.read()


class _PrefixServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128  # a browser opens many connections at once
    upstream = 0


@contextmanager
def behind_prefix(url: str) -> Iterator[str]:
    """The address of the server at `url`, behind such a proxy."""
    with _PrefixServer(("127.0.0.1", 0), _Handler) as proxy:
        proxy.upstream = int(url.rsplit(":", 1)[1])
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{proxy.server_address[1]}/pre"
        proxy.shutdown()
        thread.join(PATIENCE_S)
