"""The app: Streamlit pages and our own routes in one process, on one port. Start it with `hmgc serve`."""

import streamlit as st

from app.server.lifespan import lifespan
from app.server.middleware import middleware
from app.server.routes import routes

# Streamlit finds the app by reading this source: the assignment must stay a literal `app = st.App(...)`.
app = st.App("app/main.py", routes=routes, middleware=middleware, lifespan=lifespan)
