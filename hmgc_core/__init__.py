"""HMGC Studio's core: class trees, mixed-level labels, hierarchical models. Knows nothing of the screen."""

__version__ = "0.5.0"
