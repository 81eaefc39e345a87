"""Correcting a report's spans in Label Studio: what is proposed goes out, what the curator made of it comes back."""
