"""The words for measures, where the pages look for them; reports and model cards say the same."""

from hmgc_core.metrics.words import GROUPS, MEASURES, Figure, Measure, by_group, figures, main_figures

__all__ = ["GROUPS", "MEASURES", "Figure", "Measure", "by_group", "figures", "main_figures"]
