"""The CSV table of a run has one row a step."""

import csv

import pytest
from vqfw_trackers.csv_file import CSV


@pytest.fixture
def rows(tmp_path):
    """The rows that are in the file now."""

    def read():
        with (tmp_path / "metrics.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    return read


def test_a_step_is_a_row_and_is_on_disk_at_once(tmp_path, rows):
    tracker = CSV(tmp_path)
    tracker.scalars(1, {"loss": 0.25, "mse": 1 / 3})
    assert rows() == [{"step": "1", "loss": "0.25", "mse": "0.3333333"}]
    tracker.scalars(2, {"loss": 0.5, "mse": 2.0})
    assert [row["step"] for row in rows()] == ["1", "2"]
    tracker.close()


def test_validation_scores_stand_in_the_row_of_their_step(tmp_path, rows):
    tracker = CSV(tmp_path)
    for step in (1, 2, 3, 4):
        tracker.scalars(step, {"loss": step / 10})
        if step % 2 == 0:
            tracker.scalars(step, {"validation_psnr": 20.0 + step})
    tracker.close()
    assert [tuple(row.values()) for row in rows()] == [
        ("1", "0.1", ""),
        ("2", "0.2", "22"),
        ("3", "0.3", ""),
        ("4", "0.4", "24"),
    ]


def test_a_resumed_run_has_one_csv_row_for_each_step(tmp_path, rows):
    cut = CSV(tmp_path)
    for step in (1, 2, 3, 4):
        cut.scalars(step, {"loss": 1.0})
    cut.scalars(4, {"validation_psnr": 20.0})
    resumed = CSV(tmp_path)
    for step in (3, 4, 5):
        resumed.scalars(step, {"loss": 2.0})
    resumed.scalars(5, {"validation_psnr": 21.0})
    resumed.close()
    cut.close()  # for the sake of the open file; a killed one never gets there
    assert [tuple(row.values()) for row in rows()] == [
        ("1", "1", ""),
        ("2", "1", ""),
        ("3", "2", ""),
        ("4", "2", ""),
        ("5", "2", "21"),
    ]


def test_a_torn_last_row_is_not_read(tmp_path, rows):
    (tmp_path / "metrics.csv").write_text("step,loss\n1,0.25\n2,0.1")
    tracker = CSV(tmp_path)
    tracker.scalars(3, {"loss": 0.5})
    tracker.close()
    assert [row["step"] for row in rows()] == ["1", "3"]


def test_resuming_a_finished_run_keeps_its_csv_rows(tmp_path, rows):
    first = CSV(tmp_path)
    first.scalars(1, {"loss": 0.25})
    first.close()
    CSV(tmp_path).close()
    assert len(rows()) == 1


@pytest.mark.processes
def test_a_resumed_run_has_the_csv_table_of_an_uninterrupted_run(
    tiny, root, monkeypatch
):
    import vqfw
    from vqfw.assembly.autoencoder import Autoencoder

    experiment = tiny('training.trackers=["csv"]')
    experiment.run(name="whole")
    real = Autoencoder.train_on_batch

    def cut(self, *arguments, **options):
        found = real(self, *arguments, **options)
        if int(self.step) == 6:
            raise KeyError("power")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Autoencoder, "train_on_batch", cut)
        with pytest.raises(KeyError):
            experiment.run(name="cut")
    vqfw.open_run("cut").resume()
    whole, resumed = (
        (root / "checkpoints" / name / "metrics.csv").read_text()
        for name in ("whole", "cut")
    )
    assert resumed == whole
    assert len(whole.splitlines()) == 13
