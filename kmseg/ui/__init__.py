"""The page's parts: the only code that imports Streamlit. They show and remember; none computes."""
