"""What stands on the command line and in prompt files, as prompts and photos."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from vpuformer.errors import DataError, PromptError, read_json
from vpuformer.prompts import Box, Click, Prompt, Scribble, prompt_from_json

Words = Sequence[str]
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")


def parse_prompts(clicks: Words, boxes: Words, scribbles: Words) -> list[Prompt]:
    """Prompts from command line words: "x,y", "x0,y0,x1,y1", "x,y x,y ..."; ",-" is negative."""
    prompts: list[Prompt] = []
    for text, positive in map(_signed, clicks):
        prompts.append(Click(*_numbers("--click", text, "x,y"), positive=positive))
    for text, positive in map(_signed, boxes):
        prompts.append(Box.from_corners(*_numbers("--box", text, "x0,y0,x1,y1"), positive=positive))
    for text, positive in map(_signed, scribbles):
        points = (_numbers("--scribble", word, "x,y") for word in text.split())
        prompts.append(Scribble(tuple((x, y) for x, y in points), positive))
    return prompts


def _signed(text: str) -> tuple[str, bool]:
    text = text.strip()
    return (text[:-1].rstrip().removesuffix(","), False) if text.endswith("-") else (text, True)


def _numbers(option: str, text: str, form: str) -> list[float]:
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != len(form.split(",")):
        raise PromptError(f"{option} got {text!r}, expected numbers as {form}. Negative: add ,-.")
    return numbers


def read_prompts(path: Path, images: Sequence[Path]) -> dict[Path, list[Prompt]]:
    """The prompts of each image, from a JSON list (for all images) or a dict by image name."""
    record = read_json(path)
    if isinstance(record, list):
        prompts = [prompt_from_json(item) for item in record]
        return dict.fromkeys(images, prompts)
    lists = isinstance(record, dict) and all(isinstance(v, list) for v in record.values())
    if not record or not lists:
        raise DataError(
            f'{path} must hold a list of prompt records or {{"photo name": [records]}}, '
            f"got {type(record).__name__ if record else 'nothing'}."
        )
    names = {image.name: image for image in images}
    if unknown := sorted(set(record) - set(names)):
        raise DataError(
            f"{path} names photos that are not there: {', '.join(unknown[:5])}. "
            f"There are {', '.join(sorted(names)[:5])}."
        )
    return {names[n]: [prompt_from_json(item) for item in items] for n, items in record.items()}


def photos(folder: Path) -> list[Path]:
    """The photos of a folder in name order; none is an error."""
    found = sorted(p for p in folder.glob("[!.]*") if p.suffix.lower() in SUFFIXES)
    if not found:
        raise DataError(f"{folder} holds no photo. Expected files ending in {', '.join(SUFFIXES)}.")
    return found


def say(console: Console, text: str) -> None:
    """One line for people, as it is: no markup, no colour, no wrapping."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
