"""Stand-in for the package that a DSS kit puts into its images: enough to see which release an image carries."""

__version__ = "14.1.2"
