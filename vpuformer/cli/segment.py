"""vpuformer segment: prompts given as words, masks written as PNG."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from rich.console import Console
from tyro.conf import Positional, UseAppendAction, arg

from vpuformer.cli.words import parse_prompts, photos, read_prompts, say
from vpuformer.errors import DataError, ImageError, PromptError, read_json
from vpuformer.prompts import Prompt

Precision = Literal["auto", "float32", "bfloat16"]
Several = UseAppendAction[tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Cut an object out of a photo, or of every photo in a folder, and write masks as PNG.

    Coordinates are (x, y) in pixels of the photo as it is shown. A trailing ",-" makes a prompt
    negative (not the object).
    """

    image: Positional[Path]
    """A photo, or a folder of photos (then with --prompts)."""
    click: Annotated[Several, arg(metavar="X,Y[,-]")] = ()
    """A point on the object; may be given several times."""
    box: Annotated[Several, arg(metavar="X0,Y0,X1,Y1[,-]")] = ()
    """The edges of a box around the object; may be given several times."""
    scribble: Annotated[Several, arg(metavar='"X,Y X,Y ...[,-]"')] = ()
    """A stroke along the object; may be given several times."""
    prompts: Annotated[Path | None, arg(metavar="FILE.json")] = None
    """JSON: a list of prompt records, or {"photo name": [records]}, or a session of the widget."""
    out: Annotated[Path | None, arg(metavar="PATH")] = None
    """The mask's file, or a folder for NAME.png. Default: NAME_mask.png, of a folder masks/."""
    model: str = "lite0"
    """The name of shipped weights, or a path to a safetensors file."""
    precision: Precision = "auto"
    """Arithmetic. auto: bfloat16 where the processor is fast at it. A session holds its own."""
    threshold: float = 0.5
    """A pixel belongs to the mask when its probability is above this. A session holds its own."""

    def run(self, console: Console) -> int:
        """Write the masks and say where they are."""
        record = read_json(self.prompts) if self.prompts else None
        if isinstance(record, dict) and "schema" in record:
            return self._replayed(record, console)
        jobs = self._jobs()
        from vpuformer.imaging import save_mask
        from vpuformer.predictor import Predictor
        from vpuformer.weights import load

        predictor = Predictor(load(self.model), threshold=self.threshold, precision=self.precision)
        faults: list[str] = []
        for image, prompts, out in jobs:
            try:
                predictor.set_image(image)
                mask = predictor.add(*prompts).mask
            except (ImageError, PromptError) as error:
                faults.append(f"{image}: {error}".replace(f"{image}: {image}", f"{image}"))
                continue
            save_mask(out, mask)
            say(console, f"{image} -> {out} ({mask.mean():.1%} of the picture)")
        if faults:  # one photo's fault does not cost the others
            raise DataError("\n".join(faults))
        return 0

    def _replayed(self, record: Any, console: Console) -> int:
        """Play a session's rounds again; of several objects, write labels from 1 on."""
        if self.image.is_dir() or self.click or self.box or self.scribble:
            raise PromptError(
                f"{self.prompts} is a session: it is about one photo and holds all its prompts. "
                "Give that photo, and no other prompt."
            )
        from vpuformer.weights import load
        from vpuformer.widget.export import exported, save
        from vpuformer.widget.replay import replay

        session = replay(record, self.image, load(self.model))
        kind, out = "labels" if len(session.objects) > 1 else "mask", self._out(self.image, False)
        save(out, exported(kind, session))
        say(console, f"{self.image} -> {out} ({session.mask.mean():.1%} of the picture)")
        return 0

    def _jobs(self) -> list[tuple[Path, list[Prompt], Path]]:
        given = parse_prompts(self.click, self.box, self.scribble)
        if not self.image.exists():
            raise DataError(f"{self.image} does not exist. Give a photo or a folder of photos.")
        folder = self.image.is_dir()
        images = photos(self.image) if folder else [self.image]
        if folder and self.prompts is None:
            raise PromptError(f"{self.image} is a folder: give --prompts FILE.json for its photos.")
        asked = read_prompts(self.prompts, images) if self.prompts else {images[0]: []}
        jobs = [(image, own + given, self._out(image, folder)) for image, own in asked.items()]
        for image, prompts, _ in jobs:
            if not prompts:
                raise PromptError(
                    f"No prompt for {image}. Give --click X,Y, --box X0,Y0,X1,Y1, --scribble "
                    '"X,Y X,Y" or --prompts FILE.json.'
                )
        if len({out for _, _, out in jobs}) < len(jobs):
            raise DataError(f"Two photos in {self.image} differ only in their ending. Rename one.")
        return jobs

    def _out(self, image: Path, folder: bool) -> Path:
        out = self.out or Path("masks" if folder else f"{image.stem}_mask.png")
        out = out / f"{image.stem}.png" if folder or out.is_dir() or not out.suffix else out
        if out.resolve() == image.resolve():
            raise DataError(f"The mask would overwrite the photo {image}. Give another --out.")
        return out
