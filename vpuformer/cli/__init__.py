"""Commands: vpuformer segment | train | evaluate | finetune | benchmark | doctor."""

from vpuformer.cli.commands import COMMANDS, main
from vpuformer.cli.words import parse_prompts, read_prompts

__all__ = ["COMMANDS", "main", "parse_prompts", "read_prompts"]
