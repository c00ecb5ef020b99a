"""Trunks: from pictures to a feature map. One file per family, found by name in the catalog."""
