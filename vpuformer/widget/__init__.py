"""Live prompting: a session that holds all state, and what shows it in Jupyter."""
