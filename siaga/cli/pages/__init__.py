"""The generated pages of the reference that need more than the core: what ``siaga reference`` writes."""
