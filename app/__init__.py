"""The outside: settings, the web application, the command line, and the PostgreSQL that comes along."""
