"""The routes behind the pages: Starlette only, no Streamlit."""
