"""documented-posts: from reports on influence operations to a labelled, versioned, released corpus of the posts they quote.

The pipeline, each stage reading what the stage before wrote on disk, and never calling it::

    report → source, segments → corpus version → tasks → judgements → decisions → release
             sources            corpus           tasks   labels       adjudication  release

Imports go cli → stages → services (labelstudio) → foundation (errors, fsio, schema, parquet, workspace, …), never back.
"""

__version__ = "0.1.0"
