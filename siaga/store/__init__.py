"""The database as all parts know it: its tables and how to connect. What is written, and when, the sinks decide."""
