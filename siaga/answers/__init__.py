"""Answers to pages that come back as a message: what was said, about which page, by whom, and what comes of it."""
