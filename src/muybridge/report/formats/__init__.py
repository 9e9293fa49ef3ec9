"""Sections as HTML, Markdown, LaTeX and CSV."""
