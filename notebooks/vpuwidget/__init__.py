"""Live prompting in Jupyter on ipycanvas; what it shows is a `vpuformer.widget.session.Session`."""
