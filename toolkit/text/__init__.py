"""Pure functions over texts: language, script, entities, flags. No files, no settings, no state that shows."""
