"""Our own API, as a client sees it: `service/endpoints`."""
