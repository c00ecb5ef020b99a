"""Charts of predictions, drawn in the browser; every mark on them opens the pictures behind it."""
