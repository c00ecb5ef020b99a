"""Pieces of the table of models: what is trained, on what, in which order, and what came of it."""
