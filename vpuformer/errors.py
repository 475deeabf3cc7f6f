"""Errors that say what was wrong, what was expected and what to do next."""


class VPUError(Exception):
    """Any error this package raises on purpose."""


class PromptError(VPUError, ValueError):
    """A click, box or scribble cannot be used as given."""


class ImageError(VPUError, ValueError):
    """An image cannot be read, or has a form no picture has."""


class ConfigError(VPUError, ValueError):
    """A configuration value is unknown, missing or out of range."""


class DataError(VPUError, ValueError):
    """A data set, folder or shard does not have the layout it should have."""


class CheckpointError(VPUError, ValueError):
    """A weights, checkpoint or results file cannot be used."""
