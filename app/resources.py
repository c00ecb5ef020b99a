"""What all visitors share: the workspace."""

from hmgc_core import settings
from hmgc_core.workflow import workspaces
from hmgc_core.workflow.workspaces import Workspace


def workspace() -> Workspace:
    """The workspace of this app, opened once per process."""
    return workspaces.shared_workspace(settings.workspace_folder().resolve())
