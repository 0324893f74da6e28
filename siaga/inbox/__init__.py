"""The officers' phones of a demonstration: takes the pages sent to them by webhook, keeps them and shows them."""
