"""Hierarchical models: one file each, found by name in the catalog. See `base` for what a model offers."""
