"""The component that draws all pictures of a run as points of a map."""
