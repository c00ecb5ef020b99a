"""The component that draws what a graph net connected in a picture."""
