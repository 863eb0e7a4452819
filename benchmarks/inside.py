"""How quickly Inside shows, and whether looking holds up a chat.

    scripts/demo --no-serve --workspace FOLDER
    scripts/bench inside FOLDER [--rounds 10] [--seconds 10] [--only-chat]

Server and clients share the machine; nothing is written into FOLDER but what looking makes again by
itself. No training may run.

- `first`: the first look at a checkpoint loads it and counts the training text.
- `asked`: for each panel all that it asks of the server, on a text of 256 pieces (or as many as the
  context has) that was never looked at before: so every look is a forward pass. Beside the times
  the processor time of the server, which a busy machine changes less.
- `shown`: in Chromium, from the click on a panel to its figure painted, on such a text; and how
  many requests forty moves of the pointer over the figure make.
- `chat`: texts of 2,000 tokens are streamed one after the other, and the gaps between their pieces
  timed, first alone, then while somebody looks at one panel after the other without a pause.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import httpx
from _common import ROOT, machine
from playwright.sync_api import Page, sync_playwright
from serve_load import Numbers, milliseconds, server

LONG_TOKENS = 2_000
PANELS: dict[str, tuple[tuple[str, Numbers], ...]] = {
    "pieces": (("pieces", {}),),
    "pairs": (("pairs", {}),),
    "attention": (("attention", {"layer": 0, "head": 0}),),
    "heads": (("heads", {}), ("tiles", {})),
    "neurons": (("activations", {"layer": 0}), ("neurons", {})),
    "next": (("next", {}),),
    "surprise": (("surprise", {}),),
    "steps": (("steps", {}),),
}
FIGURES = ".heatmap, .tile, .main table, .main ol, .main p"


def texts() -> Iterator[str]:
    """Different texts of about 1,500 characters, for ever: the last 256 pieces are read."""
    posts = sorted((ROOT / "demo" / "posts").glob("*.md"))
    whole = " ".join(" ".join(post.read_text(encoding="utf-8").split()) for post in posts)
    at = 0
    while True:
        yield whole[at : at + 1_500]
        at = (at + 997) % (len(whole) - 1_500)


def look(client: httpx.Client, panel: str, text: str) -> float:
    """Seconds of all that a panel asks for."""
    begun = time.perf_counter()
    for route, body in PANELS[panel]:
        client.post(f"api/inside/{route}", json={"text": text, **body}).raise_for_status()
    return time.perf_counter() - begun


def first_looks(client: httpx.Client) -> Numbers:
    text = next(texts())
    begun = time.perf_counter()
    found = client.post("api/inside/pieces", json={"text": text}).raise_for_status().json()
    loaded = time.perf_counter()
    client.post("api/inside/firing", json={"layer": 0, "neuron": 0}).raise_for_status()
    read = time.perf_counter()
    return {
        "pieces": found["stop"] - found["start"],
        "checkpoint_ms": round(1e3 * (loaded - begun)),
        "neurons_ms": round(1e3 * (read - loaded)),
    }


def asked(client: httpx.Client, process: int, rounds: int) -> Numbers:
    fresh, found = texts(), {}
    for panel in PANELS:
        before = processor_seconds(process)
        times = milliseconds([look(client, panel, next(fresh)) for _ in range(rounds)])
        used = 1e3 * (processor_seconds(process) - before) / rounds
        found[panel] = {**times, "processor_ms": round(used, 1)}
    return found


def processor_seconds(process: int) -> float:
    """Of all threads of a process; what others do on the machine changes it little."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shown(page: Page, url: str, rounds: int) -> Numbers:
    fresh = texts()
    page.goto(url + "#/inside/ladder")
    page.locator(".panel[data-ready=true]").wait_for(timeout=60_000)
    field = page.get_by_label("Your text", exact=True)
    times: dict[str, list[float]] = {panel: [] for panel in (*PANELS, "ladder")}
    requests: dict[str, int] = {}
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    for panel, found in times.items():
        away = "pieces" if panel == "ladder" else "ladder"
        for _ in range(rounds):
            open_panel(page, away)
            with page.expect_response("**/api/inside/pieces"):
                field.fill(next(fresh))
            found.append(open_panel(page, panel))
        if panel in ("pairs", "neurons"):  # which ask once more for passages
            page.locator(".passage").first.wait_for(timeout=60_000)
        sent.clear()
        box = page.locator(FIGURES).first.bounding_box()
        assert box is not None
        for part in range(40):
            page.mouse.move(
                box["x"] + box["width"] * part / 40, box["y"] + box["height"] * part / 40
            )
        requests[panel] = sum("/api/inside/" in address for address in sent)
    return {
        panel: {**milliseconds(found), "requests_on_hover": requests[panel]}
        for panel, found in times.items()
    }


def in_chromium(url: str, rounds: int) -> Numbers:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("INKLING_CHROMIUM") or None, args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        found = shown(page, url, rounds)
        browser.close()
    return found


def open_panel(page: Page, panel: str) -> float:
    """Seconds from the click to the frame after the figure is there."""
    return 1e-3 * page.evaluate(
        """(panel) => new Promise((done) => {
          const begun = performance.now();
          const wanted = `.panel[data-panel=${panel}][data-ready=true]`;
          const check = () => {
            if (!document.querySelector(wanted)) return false;
            watching.disconnect();
            requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));
            return true;
          };
          const watching = new MutationObserver(check);
          watching.observe(document.body, { subtree: true, childList: true, attributes: true });
          document.querySelector(`nav[aria-label=Panels] a[href*="/${panel}"]`).click();
          check();
        })""",
        panel,
    )


def look_on(url: str, begun: Event, end: Event) -> None:
    """Look at one panel after the other."""
    fresh = texts()
    with httpx.Client(base_url=url, timeout=120) as client:
        while not end.is_set():
            for panel in PANELS:
                look(client, panel, next(fresh))
            begun.set()


def gaps(client: httpx.Client, seconds: float) -> Numbers:
    """Between what arrives of texts that are written one after the other."""
    model = client.get("v1/models").raise_for_status().json()["data"][0]["id"]
    found: list[float] = []
    waits: list[float] = []
    end, seed = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        seed += 1
        body = {"model": model, "prompt": "The", "stream": True, "max_tokens": LONG_TOKENS,
                "temperature": 1.0, "seed": seed}  # fmt: skip
        last = asked = time.perf_counter()
        with client.stream("POST", "v1/completions", json=body) as response:
            response.raise_for_status()
            for _ in response.iter_bytes():
                now = time.perf_counter()
                (waits if last == asked else found).append(now - last)
                last = now
    return {"gap": milliseconds(found), "first": milliseconds(waits)}


def beside_a_chat(url: str, seconds: float) -> Numbers:
    begun, end = multiprocessing.Event(), multiprocessing.Event()
    with httpx.Client(base_url=url, timeout=120) as client:
        gaps(client, 1)
        alone = gaps(client, seconds)
        other = multiprocessing.Process(target=look_on, args=(url, begun, end))
        other.start()
        begun.wait()
        try:
            watched = gaps(client, seconds)
        finally:
            end.set()
            other.join()
    return {"alone": alone, "looked_at": watched}


def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--only-chat", action="store_true", help="Leave the panels out.")
    given = parser.parse_args()
    found: Numbers = {"machine": machine()}
    with (
        server(given.workspace) as (url, process),
        httpx.Client(base_url=url, timeout=120) as client,
    ):
        found["first"] = first_looks(client)
        if not given.only_chat:
            found["asked"] = asked(client, process.pid, given.rounds)
            found["shown"] = in_chromium(url, given.rounds)
        found["chat"] = beside_a_chat(url, given.seconds)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
