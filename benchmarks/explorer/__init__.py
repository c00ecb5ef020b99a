"""Pieces of the benchmark of looking: a large workspace with two runs, and what a person clicks."""
