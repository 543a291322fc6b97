"""The server: the Django project that runs an election and keeps its public board."""
