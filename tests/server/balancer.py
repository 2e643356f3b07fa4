"""A load balancer for tests: keeps its connections, tries nothing twice, and notices late who is unready."""

import http.client
import threading
from collections import Counter
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.busy_threads import keep_busy
from tests.patience import PATIENCE_S

LOST = "lost"


class Balancer:
    """Sends requests to its targets in turn, on one kept connection of each thread to each target."""

    def __init__(self, *urls):
        self.targets = list(urls)
        self.answers = Counter()
        """By target and status; `LOST` is a request that got no answer, and is not sent again."""
        self._lock = threading.Lock()
        self._kept = threading.local()
        self._connections = []

    def is_ready(self, url):
        """What a health check of `url` says, on a connection of its own."""
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        finally:
            connection.close()

    def send(self, url, path, body=b"{}"):
        """One request to one target; the status, or `LOST`."""
        connections = self._kept.__dict__.setdefault("connections", {})
        connection = connections.get(url)
        if connection is None:
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)
            connections[url] = connection
            self._connections.append(connection)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            connection.close()
            status = LOST
        with self._lock:
            self.answers[url, status] += 1
        return status

    @contextmanager
    def busy(self, path, *, clients):
        """Send requests from so many threads to all that are targets, until the block ends."""

        def go_on(over):
            while not over.is_set():
                for url in tuple(self.targets):
                    self.send(url, path)

        try:
            with keep_busy(clients, go_on):
                yield
        finally:
            for connection in self._connections:
                connection.close()
