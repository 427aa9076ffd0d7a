import json

from PIL import Image

from vqfw.kinds import RunPath, Steps, Tracker


class Template(Tracker):
    """Keeps the newest numbers and pictures of a run, for a page that shows how it goes.

    Args:
        interval: Steps between two looks.
    """

    def __init__(self, run_folder: RunPath, interval: Steps = 10) -> None:
        self.folder, self.interval = run_folder / "template", interval

    def scalars(self, step, values):
        if step % self.interval == 0:
            self.folder.mkdir(exist_ok=True)
            told = json.dumps({"step": step, **values}, indent=2)
            (self.folder / "newest.json").write_text(told)

    def images(self, step, name, images):
        self.folder.mkdir(exist_ok=True)
        picture = Image.fromarray(images[0].squeeze())
        picture.save(self.folder / f"{name}.png")

    def close(self):
        pass
