"""Imported before an app is copied: what the app would import as it starts."""

import importlib

from app.server.lifespan import HEAVY

for name in HEAVY:
    importlib.import_module(name)
