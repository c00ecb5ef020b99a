"""The component that waits for an answer of the inspector."""
