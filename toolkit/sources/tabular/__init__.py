"""Tables as sources: a platform's takedown archive, or any CSV, JSON lines or Parquet file with its columns mapped."""
