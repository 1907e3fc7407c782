# SPDX-License-Identifier: Apache-2.0
"""The panel in Debian's Chromium: log in, open a case, ask to be unblocked, see the answer."""
import json
import os
import shutil

import pytest

from desk import Desk, build_folder
from test_doctor_reports import REPORT

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,1000")

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait
    MISSING = [n for n in ("chromium", "chromedriver") if shutil.which(n) is None]
except ImportError:
    MISSING = ["python3-selenium"]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    if build_folder() is None:
        pytest.fail("deskd is not built: tools/build tests")
    d = Desk(tmp_path_factory.mktemp("desk"))
    d.do("block 192.0.2.20")
    d.do("block 203.0.113.30")
    yield d
    assert d.stop() == 0, d.log()


@pytest.fixture
def browser(tmp_path):
    options = Options()
    for flag in FLAGS + (f"--user-data-dir={tmp_path}/profile",):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    b = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    b.set_page_load_timeout(60)
    try:
        yield b
    finally:
        b.quit()


def wait(b, what, seconds=30):
    """Until `what` gives something true; it may fail meanwhile."""
    def tried(_):
        try:
            return what()
        except Exception:  # pylint: disable=broad-except
            return False
    return WebDriverWait(b, seconds).until(tried)


def click(b, by, what):
    """The page may be drawn anew between finding and clicking."""
    wait(b, lambda: b.find_element(by, what).click() or True)


def text(b):
    return b.find_element(By.ID, "main").text


def log_in(b, desk, token):
    b.get(f"http://127.0.0.1:{desk.port}/")
    wait(b, lambda: b.find_element(By.ID, "token")).send_keys(token, Keys.ENTER)
    wait(b, lambda: "Open cases" in text(b))


def keep_picture(b, name):
    folder = os.environ.get("POSTERN_PICTURES")
    if folder:
        b.save_screenshot(os.path.join(folder, name + ".png"))


def made_token(desk, *options):
    status, out, err = desk.cli("token", "add", "panel", *options, "--json")
    assert status == 0, err
    return json.loads(out)["token"]


def complaints(b):
    """What the browser holds against the page; refused requests are part of the play."""
    return [m for m in b.get_log("browser") if m["level"] == "SEVERE" and "Failed to load resource" not in m["message"]]


def test_a_case_from_login_to_the_answer(desk, browser):
    b = browser
    b.get(f"http://127.0.0.1:{desk.port}/")
    field = wait(b, lambda: b.find_element(By.ID, "token"))
    field.send_keys("pt_wrong", Keys.ENTER)
    wait(b, lambda: "unknown, revoked or over" in text(b))
    log_in(b, desk, desk.first_token)
    assert not os.path.exists(desk.first_token_path)
    keep_picture(b, "cases")
    click(b, By.LINK_TEXT, "192.0.2.20")
    wait(b, lambda: "What was seen" in text(b))
    assert "39\nflagged of 42 messages" in text(b) and "17.4 of 16.0" in text(b)
    assert b.switch_to.active_element.tag_name == "h1"  # a screen reader begins here
    # Strangers' markup is text.
    assert "Your account <b>is</b> closed" in text(b)
    b.find_element(By.TAG_NAME, "summary").click()
    click(b, By.XPATH, "//button[text()='Show the mail itself']")
    assert "<script>alert(1)</script>" in wait(b, lambda: b.find_element(By.TAG_NAME, "pre")).text
    assert not b.find_elements(By.CSS_SELECTOR, "main script, main b b")
    b.find_element(By.ID, "cause").send_keys("a stolen password")
    b.find_element(By.ID, "fix").send_keys("changed it")
    b.find_element(By.ID, "unblock").click()
    assert "Not opened yet" in wait(b, lambda: b.find_element(By.ID, "answer")).text
    assert "The cool-down is over – not yet" in text(b)
    keep_picture(b, "case")
    assert complaints(b) == []


def test_policy_owner_shows_the_warning_and_obeys(desk, browser):
    b = browser
    log_in(b, desk, made_token(desk))
    click(b, By.LINK_TEXT, "203.0.113.30")
    wait(b, lambda: b.find_element(By.ID, "cause")).send_keys("a form")
    b.find_element(By.ID, "fix").send_keys("removed it")
    b.find_element(By.ID, "unblock").click()
    click(b, By.ID, "insist")
    wait(b, lambda: "probation" in text(b) and "Open again" in text(b))
    assert complaints(b) == []


def test_a_doctors_report_fills_in_the_plea(desk, browser):
    b = browser
    desk.do("block 192.0.2.70")
    case = desk.ask("GET", "/cases?source=192.0.2.70", local=True).json["items"][0]["id"]
    sent = desk.ask("POST", "/doctor-reports", {**REPORT, "case": case, "not_stopped": ["<b>not yet</b>"]}, local=True)
    assert sent.status == 201, sent.body
    assert desk.cli("case", "unblock", "999", "--from-report")[0] == 4
    log_in(b, desk, made_token(desk))
    b.get(f"http://127.0.0.1:{desk.port}/case/{case}")
    wait(b, lambda: "What the doctor reported" in text(b))
    assert "not proved. No check rests on it." in text(b) and "info@b.example" in text(b) and "<b>not yet</b>" in text(b)
    assert b.find_element(By.ID, "cause").get_attribute("value") == REPORT["proposal"]["cause"]
    assert b.find_element(By.ID, "fix").get_attribute("value") == REPORT["proposal"]["fix"]
    keep_picture(b, "report")
    assert complaints(b) == []


def test_what_happens_shows_without_a_reload(desk, browser):
    b = browser
    log_in(b, desk, made_token(desk, "--role", "observer"))
    assert "192.0.2.60" not in text(b)
    desk.do("block 192.0.2.60")
    wait(b, lambda: "192.0.2.60" in text(b))
    assert "Access" not in b.find_element(By.ID, "nav").text
    for path, word in (("sources", "Who sends mail"), ("events", "as it happens"), ("source/192.0.2.60", "Evidence")):
        b.get(f"http://127.0.0.1:{desk.port}/{path}")
        wait(b, lambda w=word: w in text(b))
    keep_picture(b, "source")
    assert complaints(b) == []


def test_the_link_of_a_notice_shows_but_does_not_open(desk, browser):
    b = browser
    b.get(f"http://127.0.0.1:{desk.port}/case/1?key=" + "0" * 32)
    wait(b, lambda: b.find_element(By.ID, "token"))  # a wrong key leads to the login
    assert "key=" not in b.current_url
