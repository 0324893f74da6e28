"""The API: one module a subject, each a router."""
