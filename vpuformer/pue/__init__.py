"""PuE, the Prompt-unified Encoder: every prompt becomes one short vector (Sec. III-B)."""

from vpuformer.pue.batch import BOX, CLICK, SCRIBBLE, PromptBatch, encode, encode_batch
from vpuformer.pue.restore import restore, restore_points
