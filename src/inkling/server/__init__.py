"""The web server and the page it serves."""
