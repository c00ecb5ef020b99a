"""The verbs of the studio: what people do with a workspace. A transaction is one verb; plain values go in and out.

One file per noun: workspaces, taxonomies, pictures, labelling, training, seeing.
"""
