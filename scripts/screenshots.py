"""Take the pictures of the views, in both themes, on a desk and on a phone; of Inside, on a desk.

Serves a copy of a workspace, so that nothing is written into it, asks its newest model the
questions below and photographs what came: the replies are the model's own, at the page's own
settings, one try each. The questions were chosen among those of docs/answers.md that it answers.
Inside reads the text below; of attention the head is shown that copies most, among those that do.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHATS = [
    ["What is your newsletter called?"],
    ["Can you swim?", "What do you drive?"],
    [
        "What is your favourite food?",
        "Who is your best friend?",
        "Who is your favourite composer?",
        "What do you think of digital pianos?",
    ],
]
INSIDE = {"pairs": 6, "attention": 19, "heads": 19, "neurons": 19, "next": 20, "surprise": 6}
"""The panels, and the piece that is selected in each."""
TEXT = "The piano was out of tune, and so was the man who had come to tune the piano."
SIZES = {"": (1280, 900), "-phone": (375, 740)}
THEMES = ("light", "dark")
SHARPNESS = 2  # pixels of the picture to one of the page
COLOURS = 128  # a page of text has few: a quarter of the bytes, and no difference to the eye


def ask(url: str) -> int:
    """Ask everything, the last chat last; its number."""
    with httpx.Client(base_url=url, timeout=120) as client:
        for questions in CHATS:
            number = int(client.post("api/chats").raise_for_status().json()["id"])
            for seed, question in enumerate(questions):
                body = {"message": question, "seed": seed}
                client.post(f"api/chats/{number}/messages", json=body).raise_for_status()
    return number


def photograph(browser: Browser, url: str, chat: int, folder: Path) -> None:
    """Every view, theme and size as a picture."""
    for suffix, (width, height) in SIZES.items():
        for theme in THEMES:
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme=theme,  # type: ignore[arg-type]
                device_scale_factor=SHARPNESS,
                has_touch=width < 720,
            )
            page.goto(f"{url}#/chat/{chat}")
            page.get_by_role("button", name="Regenerate").wait_for()
            save(page, folder / f"chat-{theme}{suffix}.png")
            page.goto(f"{url}#/training")
            page.locator(".readout").wait_for()
            save(page, folder / f"training-{theme}{suffix}.png")
            for panel, piece in INSIDE.items() if not suffix else ():
                page.goto("about:blank")  # else Inside would read the last message of the chat
                look_inside(page, url, panel, piece)
                save(page, folder / f"inside-{panel}-{theme}.png")
            page.close()


def look_inside(page: Page, url: str, panel: str, piece: int) -> None:
    """A panel of Inside on the text, with all that it loads."""
    page.goto(f"{url}#/inside/{panel}")
    page.get_by_label("Your text", exact=True).fill(TEXT)
    page.locator(f"#piece-{piece}").click()
    page.locator(f".panel[data-panel={panel}][data-ready=true]").wait_for()
    page.evaluate("document.activeElement.blur()")
    if panel == "neurons":  # the last layer's, which say most
        page.get_by_label("layer").select_option(index=2)
    if panel in ("pairs", "neurons"):
        page.locator(".passage").first.wait_for()
    if panel == "attention":
        for label, number in zip(("layer", "head"), copying_head(url), strict=True):
            chosen = page.get_by_label(label)
            if chosen.input_value() != str(number):
                with page.expect_response("**/api/inside/attention"):
                    chosen.select_option(str(number))


def copying_head(url: str) -> tuple[int, int]:
    """The head that looks most at what came after an earlier piece like the one it is at."""
    answer = httpx.post(f"{url}api/inside/heads", json={"text": TEXT}, timeout=120)
    layers = answer.raise_for_status().json()["layers"]
    shares = {
        (layer, head): measured["copying"] or 0
        for layer, heads in enumerate(layers)
        for head, measured in enumerate(heads)
    }
    return max(shares, key=lambda place: shares[place])


def save(page: Page, path: Path) -> None:
    page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    print(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}: "
          f"{path.stat().st_size // 1000} KB")  # fmt: skip


def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path, nargs="?", default=ROOT / "demo-workspace")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    given = parser.parse_args()
    if not (given.workspace / "inkling.toml").is_file():
        sys.exit(f"{given.workspace} is no workspace. Make one: scripts/demo.")
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        copy = Path(folder) / given.workspace.resolve().name
        shutil.copytree(given.workspace, copy, ignore=shutil.ignore_patterns("chats.db*"))
        command = [sys.executable, "-m", "inkling", "serve", "--port", "0", "--no-open"]
        server = subprocess.Popen(
            [*command, "--workspace", str(copy)], stdout=subprocess.PIPE, text=True
        )
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("INKLING_CHROMIUM") or None, args=["--no-sandbox"]
        )
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            if found is None:
                sys.exit("inkling serve did not begin; what it said stands above.")
            photograph(browser, found[0], ask(found[0]), given.out)
        finally:
            browser.close()
            server.send_signal(signal.SIGINT)
            server.wait(30)


if __name__ == "__main__":
    main()
