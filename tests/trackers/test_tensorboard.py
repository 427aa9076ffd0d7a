"""Event files, read by TensorBoard itself."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from vqfw_trackers import tensorboard as room
from vqfw_trackers.tensorboard import TensorBoard

from vqfw.errors import PluginError

pytest.importorskip("tensorboard")


@pytest.fixture
def shown(tmp_path):
    """Everything that TensorBoard finds in the folder of a run."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def read():
        return EventAccumulator(
            str(tmp_path / "tensorboard"), size_guidance={"images": 0, "scalars": 0}
        ).Reload()

    return read


def test_scalars_become_curves(tmp_path, shown):
    tracker = TensorBoard(tmp_path)
    tracker.scalars(1, {"loss": 0.5, "mse": 0.25})
    tracker.scalars(2, {"loss": 0.125})
    curve = shown().Scalars("loss")  # before it is closed: nothing waits in memory
    assert [(each.step, each.value) for each in curve] == [(1, 0.5), (2, 0.125)]
    tracker.close()


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_arrive_bit_by_bit(tmp_path, shown, channels):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 5, 9, channels), "uint8")
    tracker = TensorBoard(tmp_path)
    tracker.images(7, "grid", pictures)
    tracker.images(7, "one", pictures[:1])
    tracker.close()
    found = shown()
    assert set(found.Tags()["images"]) == {"grid/0", "grid/1", "one"}
    for tag, picture in (("grid/1", pictures[1]), ("one", pictures[0])):
        (event,) = found.Images(tag)
        assert (event.step, event.width, event.height) == (7, 9, 5)
        read = np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))
        np.testing.assert_array_equal(read.reshape(picture.shape), picture)


def test_a_resumed_run_shows_no_step_twice(tmp_path, shown):
    cut = TensorBoard(tmp_path)
    for step in (1, 2, 3, 4):
        cut.scalars(step, {"loss": 1.0})
    resumed = TensorBoard(tmp_path)
    for step in (3, 4, 5):
        resumed.scalars(step, {"loss": 2.0})
    resumed.close()
    cut.close()  # for the sake of the open file; a killed one never gets there
    curve = shown().Scalars("loss")
    assert [each.step for each in curve] == [1, 2, 3, 4, 5]
    assert [each.value for each in curve] == [1, 1, 2, 2, 2]


def test_a_missing_tensorboard_is_a_plugin_error(tiny, root, monkeypatch):
    real = room.find_spec
    monkeypatch.setattr(
        room, "find_spec", lambda name: None if name == "tensorboard" else real(name)
    )
    with pytest.raises(PluginError) as caught:
        tiny('training.trackers=["tensorboard"]').run(name="a")
    assert caught.value.exit_code == 3
    assert str(caught.value) == (
        'tracker "tensorboard" needs the package tensorboard, which is not installed: '
        "pip install 'vqfw[tensorboard]', or take tracker \"csv\""
    )
    assert not (root / "checkpoints" / "a").exists()


def test_writing_event_files_does_not_import_tensorflow(tmp_path):
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from vqfw_trackers.tensorboard import TensorBoard\n"
        f"tracker = TensorBoard(Path({str(tmp_path)!r}))\n"
        "tracker.scalars(1, {'loss': 0.5})\n"
        "tracker.images(1, 'grid', np.zeros((1, 4, 4, 3), 'uint8'))\n"
        "tracker.close()\n"
        "assert not {'tensorflow', 'torch', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.processes
def test_a_run_is_shown_with_its_curves_and_grids(tiny, root):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tiny('training.trackers=["tensorboard"]').run(name="a")
    folder = root / "checkpoints" / "a" / "tensorboard"
    found = EventAccumulator(str(folder)).Reload()
    assert [each.step for each in found.Scalars("loss")] == list(range(1, 13))
    assert [each.step for each in found.Scalars("validation_psnr")] == [4, 8, 12]
    assert [each.step for each in found.Images("grid")] == [5, 10, 12]
