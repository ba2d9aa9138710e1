.PHONY: demo test check bench

demo:
	uv run audit demo

test:
	uv run pytest

check:
	uv run ruff check . && uv run ruff format --check . && uv run mypy

bench:
	uv run python -m benchmarks
