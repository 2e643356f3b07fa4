"""Bodies, caching, problems, figures: `service/http`."""
