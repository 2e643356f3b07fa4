"""Other people's protocols: `service/protocols`."""
