"""What a report's own markers and layout say its spans are: rules, one kind a file.

paragraphs (what stands together) → structure (title, series, notes, lists) → posts (and what belongs to them) → pairs
(original and translation) → numbers (footnote markers) → spans.
"""
