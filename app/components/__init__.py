"""Parts of pages that are drawn more than once, and the annotator."""
