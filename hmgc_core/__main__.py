"""`python -m hmgc_core VERB`."""

from hmgc_core.cli import main

main()
