"""The report in a real browser: nothing broken, nothing loaded, tables sort, phones can read it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_grid import MODELS, build_grid
from fake_study import build

from muybridge.report import write_report

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Debian's chromium and chromium-driver"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory: pytest.TempPathFactory):
    folder: Path = build(tmp_path_factory.mktemp("study"))
    browser.get(write_report(folder).html.as_uri())
    unfold(browser)
    return browser


def unfold(page) -> None:
    """Open every section."""
    page.execute_script("for (const one of document.querySelectorAll('details.chapter')) one.open = true")


def resize(page, width: int) -> None:
    size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def test_no_errors_and_no_script_of_others_ran(page):
    assert [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    assert page.execute_script("return window.evil") is None
    assert page.title == "Do pretext tasks see motion?"


def test_every_picture_is_drawn(page):
    widths = page.execute_script(
        "return Array.from(document.images, image => image.complete && image.naturalWidth)"
    )
    assert len(widths) > 50
    assert all(widths)


def test_nothing_is_requested(page):
    script = "return performance.getEntriesByType('resource').map(entry => entry.name)"
    assert [name for name in page.execute_script(script) if not name.startswith(("data:", "file:"))] == []


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_page_never_scrolls_sideways(page, width: int):
    resize(page, width)
    script = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    needed, given = page.execute_script(script)
    assert needed <= given


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_paper(page, scheme: str):
    """Contrast of at least 4.5 to 1 for text, notes and links (WCAG 2.2, 1.4.3)."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    script = """
    const number = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const linear = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    const light = rgb => rgb.map(linear).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const paper = light(number(getComputedStyle(document.documentElement).backgroundColor));
    return [".answers li", ".unknown li", ".told", ".findings li", "figcaption p", "nav a", ".warn", ".missing", "small"].map(selector => {
      const ink = light(number(getComputedStyle(document.querySelector(selector)).color));
      return [selector, (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05)];
    });"""
    contrasts = dict(page.execute_script(script))
    assert min(contrasts.values()) >= 4.5, contrasts


def column(page, table: str, index: int) -> list[str | None]:
    script = """return Array.from(document.getElementById(arguments[0]).tBodies[0].rows,
      row => row.cells[arguments[1]].dataset.sort ?? null)"""
    return page.execute_script(script, table, index)


def head(page, table: str, index: int):
    script = "return document.getElementById(arguments[0]).tHead.rows[0].cells[arguments[1]]"
    return page.execute_script(script, table, index)


def press(page, table: str, index: int) -> str:
    cell = head(page, table, index)
    page.execute_script("arguments[0].querySelector('button').click()", cell)
    return cell.get_attribute("aria-sort")


@pytest.mark.parametrize("index", [1, 2, 4])
def test_numbers_sort_as_numbers_and_missing_stays_last(page, index: int):
    table = "accuracy-probe-linear-probe-builtin-motions"
    assert press(page, table, index) == "ascending"
    rising = column(page, table, index)
    assert rising[-1] is None
    numbers = [float(value) for value in rising[:-1] if value is not None]
    assert len(numbers) == 3
    assert numbers == sorted(numbers)
    assert press(page, table, index) == "descending"
    falling = column(page, table, index)
    assert falling[-1] is None
    assert [float(value) for value in falling[:-1]] == numbers[::-1]


def test_thousands_do_not_break_sorting(page):
    press(page, "budget", 3)
    assert [float(value) for value in column(page, "budget", 3)] == [20000, 20000, 40000, 40000]


def test_words_sort_by_alphabet_and_one_header_is_marked(page):
    table = "accuracy-probe-linear-probe-builtin-motions"
    press(page, table, 0)
    names = column(page, table, 0)
    assert names == sorted(names)
    marked = page.execute_script(
        "return Array.from(document.querySelectorAll(`#${arguments[0]} [aria-sort]`), head => head.ariaSort)",
        table,
    )
    assert marked.count("none") == len(marked) - 1


def test_headers_work_from_the_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    resize(page, 1280)
    cell = head(page, "budget", 0)
    button = cell.find_element("tag name", "button")
    button.send_keys(Keys.ENTER)
    first = cell.get_attribute("aria-sort")
    button.send_keys(Keys.SPACE)
    assert {first, cell.get_attribute("aria-sort")} == {"ascending", "descending"}


def test_links_to_runs_arrive(page):
    link = page.execute_script("return document.querySelector('td.code a')")
    target = link.get_attribute("href").split("#")[1]
    page.execute_script("arguments[0].click()", link)
    assert page.execute_script("return document.querySelector(':target').id") == target


LINES = """
  const longest = [];
  const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    if (!node.parentElement.closest("p, li")) continue;
    if (node.parentElement.closest("table, svg, script, .legend, .task, option, [hidden]")) continue;
    const counts = new Map(), block = node.parentElement.closest("p, li");
    const range = document.createRange();
    for (let at = 0; at < node.length; at++) {
      range.setStart(node, at); range.setEnd(node, at + 1);
      const box = range.getBoundingClientRect();
      if (box.width) counts.set(Math.round(box.top), (counts.get(Math.round(box.top)) || 0) + 1);
    }
    for (const number of counts.values()) longest.push([number, block.textContent.slice(0, 60)]);
  }
  return longest.sort((a, b) => b[0] - a[0])[0];
"""


@pytest.mark.parametrize("width", [1280, 390])
def test_no_line_of_text_is_wider_than_75_letters(page, width: int):
    resize(page, width)
    number, words = page.execute_script(LINES)
    assert 20 < number <= 75, words


def test_the_answer_and_the_chart_stand_on_the_first_screen(page):
    resize(page, 1280)
    page.execute_script("scrollTo(0, 0)")
    places = [
        page.execute_script(f"return document.querySelector('{one}').getBoundingClientRect().top")
        for one in ("h1", ".answers", ".chart")
    ]
    assert places == sorted(places)
    assert places[-1] < 700
    track, main = (
        page.execute_script(f"return document.querySelector('{one}').getBoundingClientRect().width")
        for one in (".task .track", "main")
    )
    assert track > 0.6 * main


def test_dots_stand_where_their_numbers_say(page):
    script = """return Array.from(document.querySelectorAll(".task .bar-row"), row => {
      const track = row.querySelector(".track").getBoundingClientRect(), dot = row.querySelector(".dot").getBoundingClientRect();
      return [row.querySelector(".told").textContent, 100 * (dot.left + dot.width / 2 - track.left) / track.width];
    })"""
    found = page.execute_script(script)
    assert len(found) == 12
    assert all(abs(float(told.split()[0]) - place) < 0.2 for told, place in found)


@pytest.mark.parametrize("width", [1280, 400])
def test_a_full_grid_fits_the_page_and_sorts(browser, tmp_path: Path, width: int):
    browser.get(write_report(build_grid(tmp_path)).html.as_uri())
    unfold(browser)
    resize(browser, width)
    sizes = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    needed, given = browser.execute_script(sizes)
    assert needed <= given
    table = "fall-10-x-1-views-kinetics-mini-muybridge-1-i3d-kinetics400"
    hidden = "return Array.from(document.querySelectorAll(`#${arguments[0]} .repeat`), c => getComputedStyle(c).visibility)"
    assert set(browser.execute_script(hidden, table)) == {"hidden"}
    assert press(browser, table, 6) == "ascending"
    falls = [float(value) for value in column(browser, table, 6)]
    assert falls == sorted(falls)
    assert set(browser.execute_script(hidden, table)) == {"visible"}
    assert len(browser.find_elements("css selector", ".cross")) == len(MODELS)


def test_the_cell_under_the_pointer_is_told_in_words(browser, tmp_path):
    from fake_maps import facts, write_map
    from selenium.webdriver import ActionChains

    write_map(tmp_path, facts("vcop"), bright=0.5, never=("idle",))
    browser.get(write_report(tmp_path).html.as_uri())
    unfold(browser)
    picture = browser.find_element("css selector", ".layer-map image")
    told = browser.find_element("css selector", ".layer-map output")
    side = picture.rect["width"]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", picture)
    cell = side / 15  # 14 layers and one that never fires
    for column, row, words in ((0, 0, "stages.0 and stages.0: 1.000"), (2, 1, "stages.1 and stages.2: 0.500 (0.400 to 0.600)"),
                               (13, 0, "stages.0 and stages.13: 0.001"), (14, 3, "stages.3 and idle: never fired")):  # fmt: skip
        x, y = (column + 0.5) * cell - side / 2, side / 2 - (row + 0.5) * cell
        ActionChains(browser).move_to_element_with_offset(picture, round(x), round(y)).perform()
        assert told.text.startswith(words)
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def test_links_and_keys_unfold_sections(browser, tmp_path: Path):
    from selenium.webdriver.common.keys import Keys

    browser.get(write_report(build(tmp_path, seeds=(0,)), formats=["html"]).html.as_uri())
    opened = "return Array.from(document.querySelectorAll('details.chapter[open]'), one => one.id)"
    assert browser.execute_script(opened) == []
    browser.find_element("css selector", "nav a[href='#robustness']").click()
    assert browser.execute_script(opened) == ["robustness"]
    browser.execute_script("document.querySelector('#accuracy > summary').focus()")
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert set(browser.execute_script(opened)) == {"accuracy", "robustness"}
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert browser.execute_script(outline) == "solid"
    first = browser.execute_script(
        "document.activeElement.blur(); scrollTo(0, 0); return document.querySelector('.skip').href"
    )
    assert first.endswith("#answer")
    browser.execute_script("document.querySelector('.skip').focus()")
    assert browser.execute_script("return document.querySelector('.skip').getBoundingClientRect().left") >= 0


def test_everything_folded_is_printed(browser, tmp_path: Path):
    import base64
    import zlib

    def printed() -> int:
        content = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
        return (
            content.count(b"/Type /Page\n")
            + content.count(b"/Type /Page /")
            + len(zlib.compress(content)) // 10**9
        )

    browser.get(write_report(build(tmp_path, seeds=(0,)), formats=["html"]).html.as_uri())
    folded = printed()
    browser.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    assert folded == printed() > 3
    assert browser.execute_script("return document.querySelectorAll('details:not([open])').length") == 0


def test_clips_are_chosen_by_perturbation_and_class(browser, tmp_path: Path):
    from test_first_screen import perturbed

    perturbed(tmp_path)
    browser.get(write_report(tmp_path, formats=["html"]).html.as_uri())
    unfold(browser)
    script = """const choice = document.querySelector(`.choose [data-by=${arguments[0]}]`);
      choice.value = arguments[1]; choice.dispatchEvent(new Event("change", {bubbles: true}));
      return [Array.from(document.querySelectorAll(".flips li"), one => !one.hidden && one.dataset.label).filter(Boolean),
              document.querySelector(".choose output").textContent]"""
    every, told = browser.execute_script(script, "perturbation", "jpeg")
    assert told == "3 clips"
    one, told = browser.execute_script(script, "label", every[0])
    assert set(one) == {every[0]}
    assert told == ("1 clip" if len(one) == 1 else f"{len(one)} clips")
    every_again, _ = browser.execute_script(script, "label", "")
    assert every_again == every
