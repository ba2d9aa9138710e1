"""What providers put on the wire: usage objects and message bodies, read without knowing the log around them."""
