"""Those who call the API: clients written by tools from its description, and our own."""
