"""Offline audit of LLM workloads: what was spent, what is wasted, what each lever would save."""
