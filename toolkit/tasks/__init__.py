"""Tasks in Label Studio: projects, what a push does to them, and how far the annotators are.

::

    projects.py     a project: its key, title and record on disk
    assignment.py   who gets which item, once and for good
    push.py         a plan, then a push that can be stopped anywhere and run again
    journal.py      what was sent, with what, and what was acknowledged
    predictions.py  predictions of tasks that are there already
    images.py       the images that tasks show
    progress.py     done, skipped, left, and how long it takes
"""

from toolkit.tasks.images import serve_images
from toolkit.tasks.projects import LABEL_TASKS, Project, marker, projects
from toolkit.tasks.push import Plan, Server, orphans_only, plan_project, push_project

__all__ = [
    "LABEL_TASKS",
    "Plan",
    "Project",
    "Server",
    "marker",
    "orphans_only",
    "plan_project",
    "projects",
    "push_project",
    "serve_images",
]
