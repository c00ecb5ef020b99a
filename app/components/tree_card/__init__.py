"""The card of one class, a component."""
