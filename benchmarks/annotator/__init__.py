"""Parts of `benchmark annotate`: a large workspace, the app as a process, a browser, twenty clients, a slow line."""
