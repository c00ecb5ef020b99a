"""What the worker does beside trainings, one file per kind of task, with a progress bar for who waits for it."""
