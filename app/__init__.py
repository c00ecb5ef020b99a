"""The screen: pages, components, and the routes behind the annotator. Talks to `hmgc_core.workflow` in verbs."""
