"""Spans of time in words."""


def describe_duration(seconds: float) -> str:
    """Return 45 as `45 s`, 600 as `10 min`, 5000 as `1 h 23 min`, 200000 as `2 days 8 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours >= 48:
        days, hours = divmod(hours, 24)
        return f"{days} days {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
