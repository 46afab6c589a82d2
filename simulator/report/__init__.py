"""Showing results to people: terminal tables and bars. May import metrics and below; holds no model code."""
