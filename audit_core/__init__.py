"""The core of Sandtrail: everything but the screen. Never imports streamlit or pages."""
