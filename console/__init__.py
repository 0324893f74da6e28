"""The command centre: reads the database, shows it live to whom it concerns, and turns decisions into commands."""
