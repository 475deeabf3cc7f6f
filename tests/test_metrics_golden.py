"""NoC and failures against the reference implementation's own numbers."""

from pathlib import Path

import numpy as np

from vpuformer.metrics import noc, nof

GOLDEN = Path(__file__).parent / "golden" / "robot_golden.npz"


def test_noc_and_failures():
    with np.load(GOLDEN) as file:
        golden = {name: file[name] for name in file.files if name.startswith("noc_")}
    arrays = np.split(golden["noc_vals"], np.cumsum(golden["noc_lens"])[:-1])
    groups = np.split(np.arange(len(arrays)), np.cumsum(golden["noc_groups"])[:-1])
    assert len(groups) == 40
    for g, members in enumerate(groups):
        runs = [arrays[i].tolist() for i in members]
        for t, threshold in enumerate(golden["noc_thr"]):
            assert np.mean([noc(run, threshold) for run in runs]) == golden["noc_out"][g, t]
            assert nof(runs, threshold).at_limit == golden["noc_over"][g, t]
