"""A run in a file: a report to read and print, and a model card; made from what the workspace knows of the run."""

from hmgc_core.report.facts import Facts, gather
from hmgc_core.report.writing import card, html, write

__all__ = ["Facts", "card", "gather", "html", "write"]
