"""The store wing: SQL lives here and nowhere else. Knows no torch."""
