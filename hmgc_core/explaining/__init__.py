"""What the inspector can be asked about one picture, one file per kind of question."""
