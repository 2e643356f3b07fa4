"""The `ganymede` command line, the one place that knows both the service and the training package."""
