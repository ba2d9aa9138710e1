"""What prompts and answers are made of, read from their text alone: repeats, passages, examples, filler."""
