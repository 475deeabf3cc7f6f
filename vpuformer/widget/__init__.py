"""Live prompting without a widget: sessions, their files, their replay; vpuwidget shows them."""
