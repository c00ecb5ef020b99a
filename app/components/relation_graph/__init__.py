"""The component that draws the classes around an answer."""
