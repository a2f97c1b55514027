"""Where a cell of a table lies in a page, and the command that walks back from it."""

__all__ = ["anchor", "trace_command"]


def anchor(table: str, dataset: str, method: str, k: int) -> str:
    """Address of a cell in a page."""
    return f"{table}-{dataset}-{method}-{k}"


def trace_command(table: str, dataset: str, method: str, k: int) -> str:
    """What to type to see the files, settings and hashes behind a cell."""
    return f"fusionmedclip trace {table} {dataset} {method} {k}"
