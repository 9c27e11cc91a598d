"""From a bare Python to the locked `.venv`. Standard library only: nothing is installed yet."""
