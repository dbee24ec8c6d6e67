"""The project and its one application."""
