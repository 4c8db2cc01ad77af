"""The public catalogue: spots, and the view of a business day that public replies are made from."""
