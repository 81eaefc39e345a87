"""The whole loop on the example reports: real parts throughout, simulated annotators."""
