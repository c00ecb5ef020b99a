"""Tests that drive the real app in Chromium. A package, so that its conftest and the one above keep apart."""
