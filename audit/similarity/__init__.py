"""Texts that ask the same in other words: near copies, neighbours in meaning, and what forbids merging them."""
