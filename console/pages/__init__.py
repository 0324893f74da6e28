"""Pages of plain HTML: signing in, and what the public may see. They work without JavaScript."""
