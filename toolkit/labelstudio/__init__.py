"""Label Studio: its own Python environment, an embedded server in it, and the client of any server.

::

    environment.py   the server's Python environment, made once for all workspaces
    server.py        the embedded server of one workspace: up, down, status, accounts
    inside/          what runs in the server's interpreter
    client.py        projects, tasks and annotations of a server, embedded or not; the only importer of the SDK
    projects.py      finding, making and updating a server's projects
    predictions.py   predictions on tasks
    accounts.py      names, passwords and tokens on the embedded server
    transport.py     the client's requests: errors in our words, pages that cannot end early
"""
