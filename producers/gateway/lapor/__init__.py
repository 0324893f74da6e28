"""The page on which an officer's phone reports by itself: a few files, the form they show, and who the phone is."""
