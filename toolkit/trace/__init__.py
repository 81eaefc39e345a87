"""From a released label back to the decision, the votes, the codebook's words at that time, and the place in the report."""
