"""Live prompting in Jupyter: a session that knows no widget, and the widgets that show it."""
