"""How far people agree: from the judgements table to counts, coefficients with intervals, and the tables of them."""
