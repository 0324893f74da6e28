"""Who may sign in: people with passwords and sessions, programs with tokens, and what was looked up by whom."""
