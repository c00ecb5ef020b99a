"""Which mark of a chart the pictures below it stand behind, with the way back to all."""
