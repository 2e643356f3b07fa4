"""API keys, rates and quotas: `service/access`."""
