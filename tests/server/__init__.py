"""The process and its connections: `service/server`."""
