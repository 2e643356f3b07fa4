"""Training of generators: data, networks, the loop, the export and the publication of a run."""
