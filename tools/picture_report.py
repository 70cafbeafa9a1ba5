"""Take the picture of a report that the README shows.

overflight report Taiwan --elements starlink_2026-08-22.tle --out reports/taiwan-picture
python -m tools.picture_report reports/taiwan-picture/report.html docs/images/report-taiwan.png

Needs Chromium (or Chrome) and Pillow, which comes with matplotlib. The picture is a palette of at most 128 colours.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

WINDOW_WIDTH = 1180
WINDOW_HEIGHT = 1585
PICTURE_WIDTH = 944
COLOURS = 128
MAX_BYTES = 250_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def picture_report(report: Path, picture: Path) -> None:
    """Draw the top of a report and save it as a PNG.

    Raises
    ------
    RuntimeError
        If there is no browser, or the picture would be too large for a README.
    """
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        msg = f"none of {', '.join(BROWSERS)} is installed"
        raise RuntimeError(msg)
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--hide-scrollbars",
            f"--window-size={WINDOW_WIDTH},{WINDOW_HEIGHT}",
            f"--screenshot={shot}",
            report.resolve().as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        with Image.open(shot) as image:
            scaled = image.convert("RGB").resize(
                (PICTURE_WIDTH, round(image.height * PICTURE_WIDTH / image.width)), Image.Resampling.LANCZOS
            )
    picture.parent.mkdir(parents=True, exist_ok=True)
    scaled.quantize(COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)
    if picture.stat().st_size > MAX_BYTES:
        msg = f"{picture}: {picture.stat().st_size:,} bytes, more than {MAX_BYTES:,}; lower the window or the colours"
        raise RuntimeError(msg)


if __name__ == "__main__":
    picture_report(Path(sys.argv[1]), Path(sys.argv[2]))
