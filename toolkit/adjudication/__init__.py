"""From votes to decisions, label by label: what is unanimous settles itself, the rest is put to an adjudicator, blind."""
