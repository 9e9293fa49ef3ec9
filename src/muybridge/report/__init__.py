"""Reports: run folders -> one self-contained HTML file, Markdown, tidy CSV and LaTeX tables.

Every number is computed from prediction rows, carries an interval and can be traced to the run that made it.
"""

from muybridge.report.formats.write import ReportPaths, write_report

__all__ = ["ReportPaths", "write_report"]
