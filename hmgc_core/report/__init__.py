"""A run in a file: a report to read and print, and a model card; made from what the workspace knows of the run."""

from hmgc_core.report.facts import Facts, gather, why_curves_jump
from hmgc_core.report.writing import card, html, write

__all__ = ["Facts", "card", "gather", "html", "why_curves_jump", "write"]
