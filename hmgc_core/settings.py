"""Settings from the environment, each with its default. docs/deployment.md lists them; a test compares the two."""

import os
import shutil
from pathlib import Path

SETTINGS: dict[str, tuple[str, str]] = {
    "HMGC_WORKSPACE": ("data", "folder of the workspace: database, copied images, checkpoints"),
    "HMGC_HOST": ("127.0.0.1", "address the app listens on"),
    "HMGC_PORT": ("8501", "first port to try; the next free one is taken"),
    "HMGC_ALLOWED_HOSTS": ("", "further host names the app answers to, split by commas (behind a proxy)"),
    "HMGC_UNPACKED_GB": ("20", "gigabytes that one archive of pictures may unpack to"),
    "HMGC_LEASE_S": ("30", "seconds without a heartbeat after which a running training is taken over"),
    "HMGC_PROCESSES": ("1", "processes that learn a training together, on several GPUs one for each"),
    "HMGC_THREADS": ("0", "processor threads a training may use; 0 = all cores"),
}


def setting(name: str) -> str:
    """The value of one setting: the environment's, else its default. KeyError for a name not in SETTINGS."""
    default, _ = SETTINGS[name]
    return os.environ.get(name) or default


def sees_gpu() -> bool:
    """The driver of a GPU is there: told without torch, which takes seconds to import."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def workspace_folder() -> Path:
    """The workspace folder of this process."""
    return Path(setting("HMGC_WORKSPACE"))
