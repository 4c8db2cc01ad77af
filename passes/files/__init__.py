"""Files: YAML in which operators describe products and offers, checked wholly before publishing.

The only part of the domain that knows pydantic and YAML; it makes drafts, and publishes nothing.
"""
