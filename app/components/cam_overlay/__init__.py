"""The component that lays heatmaps over a picture."""
