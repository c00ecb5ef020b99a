"""Learning and using a model: pictures to pixels, training, checkpoints, predictions, heatmaps. Knows torch, no SQL."""
