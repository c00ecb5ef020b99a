"""One file per format of labels: reads and writes plain rows, nothing else."""
