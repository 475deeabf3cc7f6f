"""RITM's zoom-in against its own output: crops, clicks in crops, overlaps, whole runs."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from vpuformer.config import ZoomConfig
from vpuformer.metrics import iou
from vpuformer.model import preset
from vpuformer.predictor import Predictor
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.robot.next_prompt import next_click
from vpuformer.zoom import RitmFrame, Roi, box_iou, ritm_frame, ritm_keeps, ritm_roi

GOLDEN = Path(__file__).parent / "golden" / "robot_golden.npz"


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return {name: file[name] for name in file.files}


def roi(row) -> Roi:
    return Roi(*map(int, row))


def test_crops(golden):
    for given, expected in zip(golden["roi_in"], golden["roi_out"], strict=True):
        height, width, y0, y1, x0, x1 = given[:6].astype(int)
        mask = np.zeros((height, width), bool)
        mask[y0 : y1 + 1, x0 : x1 + 1] = True
        clicks = [Click(x, y, bool(s)) for y, x, s in given[8:14].reshape(2, 3) if y >= 0]
        found = ritm_roi(mask, clicks, expand=given[6], min_side=given[7])
        assert found == roi(expected)


def crop_size(crop: Roi, target: int | tuple[int, int]) -> tuple[int, int]:
    """(H, W) the peer resizes a crop to: `target` itself, or its longest side to `target`."""
    if isinstance(target, tuple):
        return target
    scale = target / max(crop.size)
    return round(crop.size[0] * scale), round(crop.size[1] * scale)


def to_crop(point: tuple[float, float], crop: Roi, size: tuple[int, int]) -> tuple[float, float]:
    """Where the peer puts a point (x, y) of the image in its crop resized to (H, W)."""
    height, width = crop.size
    return size[1] * (point[0] - crop.left) / width, size[0] * (point[1] - crop.top) / height


def test_clicks_in_crops(golden):
    inputs = zip(golden["tclick_in"], golden["roi_out"], golden["tclick_out"], strict=True)
    squashed = 0
    for (row, column, target), bounds, expected in inputs:
        crop, (x, y) = roi(bounds), (float(column), float(row))
        size = crop_size(crop, (448, 448) if target == 448 else 400)
        found = to_crop((x, y), crop, size)
        np.testing.assert_allclose([*found[::-1], *size], expected, rtol=1e-12)
        top, bottom, left, right = crop
        frame = RitmFrame((4000, 4000), 448, (left, top, right + 1, bottom + 1))
        if target == 448 and (moved := frame.prompts([Click(x, y)])):
            np.testing.assert_allclose([moved[0].y, moved[0].x], expected[:2], atol=1e-9)
            squashed += 1
    assert squashed >= 10


def test_overlaps(golden):
    inputs = zip(golden["bbox_iou_in"], golden["roi_out"], golden["bbox_iou_out"], strict=True)
    for box, bounds, expected in inputs:
        assert box_iou(roi(box), roi(bounds)) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_an_empty_mask_has_no_crop():
    assert ritm_roi(np.zeros((30, 40), bool), [Click(3, 4, False)]) is None
    assert ritm_roi(np.zeros((30, 40), bool), [Click(3, 4)], min_side=5) == Roi(2, 6, 0, 6)


def test_a_crop_is_kept_while_it_fits():
    kept = Roi(10, 59, 20, 89)
    assert ritm_keeps(kept, Roi(12, 60, 20, 90), [Click(88, 58)])
    assert not ritm_keeps(kept, Roi(12, 60, 20, 90), [Click(89, 58)])  # the last column: outside
    assert ritm_keeps(kept, Roi(12, 60, 20, 90), [Click(200, 58, False)])
    assert not ritm_keeps(kept, Roi(10, 29, 20, 89))


class Peer:
    """RITM's predictor with zoom-in and flip on the golden file's toy net."""

    def __init__(self, image: np.ndarray, mode: int) -> None:
        self.image = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        self.prev = torch.zeros(1, 1, *image.shape[:2])
        self.skip, self.target, self.flip = (
            (1, 400, True) if mode == 0 else (-1, (448, 448), mode == 1)
        )
        self.roi: Roi | None = None

    def predict(self, clicks: list[Click]) -> np.ndarray:
        whole = torch.cat([self.image, self.prev], 1)
        points = [(c.x, c.y) for c in clicks]
        crop = self._crop(clicks)
        if crop is not None:
            top, bottom, left, right = crop
            size = crop_size(crop, self.target)
            whole = whole[:, :, top : bottom + 1, left : right + 1]
            whole = F.interpolate(whole, size=size, mode="bilinear", align_corners=True)
            points = [to_crop(p, crop, size) for p in points]
        signs = [c.positive for c in clicks]
        logits = net(whole, points, signs)
        if self.flip:
            mirrored = [(whole.shape[3] - x - 1, y) for x, y in points]
            logits = (logits + net(whole.flip(3), mirrored, signs).flip(3)) / 2
        prob = logits.sigmoid()
        if self.roi is not None:  # also pasted there when the whole image was seen: as the peer
            top, bottom, left, right = self.roi
            prob = F.interpolate(prob, size=self.roi.size, mode="bilinear", align_corners=True)
            pasted = torch.zeros_like(self.prev)
            pasted[:, :, top : bottom + 1, left : right + 1] = prob
            prob = pasted
        self.prev = prob
        return prob[0, 0].numpy()

    def _crop(self, clicks: list[Click]) -> Roi | None:
        if len(clicks) <= self.skip:
            return None
        mask = (self.prev > 0.5)[0, 0].numpy()
        if mask.any():
            wanted = ritm_roi(mask, clicks)
        elif self.skip >= 0:
            return None
        else:
            wanted = Roi(0, mask.shape[0] - 1, 0, mask.shape[1] - 1)
        if self.roi is None or not ritm_keeps(self.roi, wanted, clicks):
            self.roi = wanted
        return self.roi


def net(x: torch.Tensor, points: list[tuple[float, float]], signs: list[bool]) -> torch.Tensor:
    height, width = x.shape[2:]
    logits = 6 * (x[:, :3].mean(1, keepdim=True) - 0.5) + 2 * (x[:, 3:] - 0.5)
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    for (px, py), positive in zip(points, signs, strict=True):
        square = (ys - py) ** 2 + (xs - px) ** 2
        bump = 4 * torch.exp(-square / (2 * (0.12 * max(height, width)) ** 2))
        logits = logits + (bump if positive else -bump)
    return logits


def scene(par: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    height, width, cy, cx, a, b, s, gy, gx, ry, rx, ring, _ = map(int, par)
    y, x = np.mgrid[:height, :width]
    bowl = 200 - ((y - cy) ** 2 * a + (x - cx) ** 2 * b) // s
    image = np.clip(bowl[..., None] + 5 * np.arange(3), 0, 255).astype(np.uint8)
    q, edge = (y - gy) ** 2 * rx**2 + (x - gx) ** 2 * ry**2, ry**2 * rx**2
    ignore = (q > edge) & (100 * q <= 121 * edge) & bool(ring)
    return image, q <= edge, ignore


@pytest.mark.slow
def test_whole_runs(golden):
    at = 0
    for par, count in zip(golden["e2e_par"], golden["e2e_n"], strict=True):
        image, gt, ignore = scene(par)
        peer, clicks, pred = Peer(image, int(par[-1])), [], np.zeros_like(gt)
        for step in range(at, at + count):
            clicks.append(next_click(gt, pred, clicks, ignore=ignore))
            row, column, positive = golden["e2e_clk"][step]
            assert clicks[-1] == Click(float(column), float(row), bool(positive))
            pred = peer.predict(clicks) > 0.49
            assert iou(gt, pred, ignore) == pytest.approx(golden["e2e_iou"][step], abs=1e-3)
            bounds = golden["e2e_roi"][step]
            assert peer.roi == (None if bounds[0] < 0 else roi(bounds))
        at += count
    assert at == len(golden["e2e_clk"])


class ToyModel(torch.nn.Module):
    """The golden file's net behind the model's interface."""

    def __init__(self) -> None:
        super().__init__()
        self.config = replace(preset("tiny"), size=448)
        self.scale = torch.nn.Parameter(torch.ones(()))

    def encode_image(self, image, prev_mask=None, prompts=None):
        return image

    def decode(self, features, prompts, prev_mask=None, *, details=False):
        prev = torch.zeros_like(features[:, :1]) if prev_mask is None else prev_mask
        points = prompts.xywh[0, :, :2].tolist()
        points = [p for p, ok in zip(points, prompts.valid[0], strict=True) if ok]
        logits = net(torch.cat([features, prev], 1), points, prompts.positive[0].tolist())
        return SimpleNamespace(logits=logits, F_v_hat=logits)


def test_the_predictor_repeats_the_peers_runs(golden):
    """Clicks exactly, IoU and crops of every golden run that squashes and does not flip."""
    at = repeated = zoomed = 0
    for par, count in zip(golden["e2e_par"], golden["e2e_n"], strict=True):
        if int(par[-1]) == 2:
            image, gt, ignore = scene(par)
            predictor = Predictor(ToyModel(), precision="float32", zoom=ZoomConfig(mode="ritm"))
            predictor.set_image(image)
            clicks, pred = [], np.zeros_like(gt)
            for step in range(at, at + count):
                row, column, positive = golden["e2e_clk"][step]
                clicks.append(next_click(gt, pred, clicks, ignore=ignore))
                assert clicks[-1] == Click(float(column), float(row), bool(positive))
                predictor.add(clicks[-1])
                frame, logits = predictor.rounds[-1].frame, predictor.rounds[-1].logits
                pred = frame.spread(logits) > 0.49  # the peers do not force the clicked pixel
                assert iou(gt, pred, ignore) == pytest.approx(golden["e2e_iou"][step], abs=1e-3)
                assert frame.roi == roi(golden["e2e_roi"][step])
                zoomed += frame.crop is not None
            repeated += 1
        at += count
    assert repeated >= 4 and zoomed >= 4


def test_boxes_and_scribbles_widen_the_crop_by_their_corners():
    mask = np.zeros((300, 400), bool)
    mask[100:110, 100:110] = True
    zoom = ZoomConfig(mode="ritm", min_side=20)
    small = ritm_frame(None, mask, [Click(105, 105)], 64, zoom)
    box = ritm_frame(None, mask, [Box.from_corners(99.5, 99.5, 149.5, 129.5)], 64, zoom)
    stroke = ritm_frame(None, mask, [Scribble([(100, 100), (149, 129)])], 64, zoom)
    not_this = ritm_frame(None, mask, [Box(200, 200, 50, 50, False)], 64, zoom)
    assert small.roi == not_this.roi == Roi(94, 114, 94, 114)  # 1.4 sides are under 20
    assert box.roi == stroke.roi == ritm_roi(mask, [Click(149, 129)], min_side=20)
