"""Many at once: a screen of pictures that look alike, labelled together."""
