"""An hour of everything at once, and what it does to the server: `make soak`."""
