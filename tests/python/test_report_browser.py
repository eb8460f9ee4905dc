"""The report in a real browser: every image drawn, nothing on the console."""

import json
import re
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--window-size=1100,6000",
]
# Errors are collected before the page's own content, and the verdict is left in the page.
COLLECT = """<script>
  var errors = [];
  addEventListener('error', e => errors.push(String(e.message || e.target.outerHTML)), true);
</script>"""
REPORT = """<script>addEventListener('load', () => {
  const images = [...document.images];
  const sizes = images.map(i => [i.naturalWidth, i.naturalHeight, i.clientWidth, i.clientHeight]);
  const wide = document.documentElement.scrollWidth > innerWidth;
  const out = document.createElement('pre');
  out.id = 'verdict';
  out.textContent = JSON.stringify({sizes, errors, wide});
  document.body.append(out);
})</script>"""


@pytest.fixture(scope="module")
def browser():
    for name in NAMES:
        if path := shutil.which(name):
            return path
    return pytest.skip(f"needs a browser: none of {', '.join(NAMES)} is on the PATH")


def test_every_image_is_drawn_and_the_console_is_silent(browser, digits_study, tmp_path):
    page = tmp_path / "report.html"
    digits_study.save(page)
    html = page.read_text()
    n_images = html.count("<img ")
    html = html.replace("<head>", "<head>" + COLLECT).replace("</body>", REPORT + "</body>")
    page.write_text(html)
    command = [browser, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*command, "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    verdict = re.search(r'<pre id="verdict">(.*?)</pre>', done.stdout, re.DOTALL)
    assert verdict, done.stderr
    found = json.loads(verdict[1])
    assert found["errors"] == []
    assert not found["wide"]
    assert len(found["sizes"]) == n_images >= 7
    assert all(min(size) > 50 for size in found["sizes"])
    assert "CONSOLE" not in done.stderr, done.stderr


def test_screenshot_has_content(browser, digits_study, tmp_path):
    from PIL import Image

    page, picture = tmp_path / "report.html", tmp_path / "report.png"
    digits_study.save(page)
    command = [browser, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}"]
    subprocess.run(
        [*command, f"--screenshot={picture}", page.as_uri()],
        capture_output=True,
        timeout=120,
        check=True,
    )
    with Image.open(picture) as image:
        colors = image.convert("RGB").getcolors(maxcolors=1 << 24)
    assert len(colors) > 500
