"""Running all of Siaga in one terminal: a broker of its own, the processes, and one status that tells the truth."""
