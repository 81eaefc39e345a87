"""Releases: corpus version, judgements and decisions → a Hugging Face dataset folder, checked before it is published."""
