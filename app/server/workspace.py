"""The workspace that the routes serve."""

from hmgc_core import settings
from hmgc_core.workflow import workspaces
from hmgc_core.workflow.workspaces import Workspace


def workspace() -> Workspace:
    """The workspace of this process, opened once and shared with the pages."""
    return workspaces.shared_workspace(settings.workspace_folder().absolute())
