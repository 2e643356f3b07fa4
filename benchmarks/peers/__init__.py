"""Other ways to serve the same model."""
