"""Erasing a post, a source or a person's judgements from every layer of a workspace, with a tombstone left behind.

First the tombstone is entered, which says what goes and by which everything else knows that it must not come back. Then
each layer is gone through; every step gives the same whether it is made once or again, so that a purge that was killed is
ended by running it again. Last the workspace is searched for what is left, and what no command can reach is said.
"""
