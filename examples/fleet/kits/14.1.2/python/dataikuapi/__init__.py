"""Stand-in for the API client of a DSS kit."""

__version__ = "14.1.2"
