"""The report in a real browser, at three widths: every figure drawn, nothing on the console."""

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
]
# A phone held sideways is the narrowest window that Chromium opens.
WIDTHS = (500, 900, 1600)
# Errors are collected before the page's own content, and the verdict is left in the page.
COLLECT = """<script>
  var errors = [];
  addEventListener('error', e => errors.push(String(e.message || e.target.outerHTML)), true);
</script>"""
REPORT = """<script>addEventListener('load', () => {
  const images = [...document.images];
  const sizes = images.map(i => [i.naturalWidth, i.naturalHeight, i.clientWidth, i.clientHeight]);
  const drawings = [...document.querySelectorAll('.drawing svg')];
  const boxes = drawings.map(d => d.getBoundingClientRect());
  const drawn = boxes.map(box => [box.width, box.height]);
  const wide = document.documentElement.scrollWidth > innerWidth;
  const table = document.querySelector('#data table.sortable');
  const column = () => [...table.tBodies[0].rows].map(row => row.cells[1].textContent);
  const before = column();
  table.tHead.querySelectorAll('button')[1].click();
  const up = column();
  table.tHead.querySelectorAll('button')[1].click();
  const sorted = {before, up, down: column()};
  const shape = document.querySelector('.drawing .hinted');
  shape.dispatchEvent(new PointerEvent('pointermove', {clientX: 9, clientY: 9, bubbles: true}));
  const hint = document.getElementById('hint');
  const said = hint.hidden ? '' : hint.textContent;
  const out = document.createElement('pre');
  out.id = 'verdict';
  out.textContent = JSON.stringify({sizes, drawn, errors, wide, sorted, said, width: innerWidth});
  document.body.append(out);
})</script>"""


@pytest.fixture(scope="module")
def browser():
    for name in NAMES:
        if path := shutil.which(name):
            return path
    return pytest.skip(f"needs a browser: none of {', '.join(NAMES)} is on the PATH")


@pytest.fixture(scope="module")
def page(digits_report):
    return (digits_report.folder / "report.html").read_text()


def open_page(browser, folder, width, *options):
    command = [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}"]
    return subprocess.run(
        [*command, f"--window-size={width},6000", *options, (folder / "report.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def verdict(browser, page, folder, width):
    """Open the page, and return what the script in it found, and the process."""
    html = page.replace("<head>", "<head>" + COLLECT).replace("</body>", REPORT + "</body>")
    (folder / "report.html").write_text(html)
    done = open_page(browser, folder, width, "--dump-dom")
    found = re.search(r'<pre id="verdict">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr
    return json.loads(found[1].replace("&lt;", "<").replace("&amp;", "&")), done


@pytest.mark.parametrize("width", WIDTHS)
def test_everything_is_drawn_and_the_console_is_silent(browser, page, tmp_path, width):
    n_images, n_drawings = page.count("<img "), page.count('class="drawing"')
    assert page.count("<figure>") >= 20
    found, done = verdict(browser, page, tmp_path, width)
    assert found["errors"] == []
    assert found["width"] == width
    assert not found["wide"]
    assert len(found["sizes"]) == n_images >= 20
    assert all(min(size) > 7 for size in found["sizes"])
    assert len(found["drawn"]) == n_drawings >= 3
    assert all(min(size) > 100 for size in found["drawn"])
    assert "CONSOLE" not in done.stderr, done.stderr


def test_tables_sort_and_slices_answer_the_pointer(browser, page, tmp_path):
    found, _ = verdict(browser, page, tmp_path, 900)
    columns = [
        [int(cell.replace(",", "")) for cell in found["sorted"][name]]
        for name in ("before", "up", "down")
    ]
    # The row of all images stays on top.
    assert columns[1] == [columns[0][0], *sorted(columns[0][1:])]
    assert columns[2] == [columns[0][0], *sorted(columns[0][1:], reverse=True)]
    assert re.fullmatch(r"region of \d, [\d.]+% of the domain here", found["said"])


@pytest.mark.parametrize("width", WIDTHS)
def test_screenshot_has_content(browser, page, tmp_path, width):
    from PIL import Image

    (tmp_path / "report.html").write_text(page)
    picture = tmp_path / "report.png"
    open_page(browser, tmp_path, width, f"--screenshot={picture}")
    with Image.open(picture) as image:
        colors = image.convert("RGB").getcolors(maxcolors=1 << 24)
    assert len(colors) > 500
