"""The version that User-Agent and packaging share; a test keeps it equal to pyproject's."""

__version__ = "0.1.0"
