"""From metrics to what people read: rows, tables, figures, the report."""
