"""The repository itself: floors, documents, workflows, dashboards, published versions."""
