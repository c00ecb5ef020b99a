"""The tree explorer component."""
