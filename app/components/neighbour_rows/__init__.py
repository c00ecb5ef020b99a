"""The component that shows labelled pictures near another one, row by row."""
