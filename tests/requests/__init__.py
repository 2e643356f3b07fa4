"""What may be asked, and what it means: `service/requests`."""
