"""The roster: what the student information system hands over, read, checked and brought into the database."""
