"""The Streamlit page: the only code that imports Streamlit. It shows results and keeps state."""
