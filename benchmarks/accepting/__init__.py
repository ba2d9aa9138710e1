"""Planted worlds of a dear and a cheap model whose right and wrong answers are known, and a server that plays them."""
