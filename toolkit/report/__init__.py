"""Static HTML pages for people: self-contained, without scripts, every text escaped."""
