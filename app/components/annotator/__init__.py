"""The annotator: one component, its parts in the order they are joined in `index`."""
