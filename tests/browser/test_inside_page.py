"""Inside in a real browser: the numbers on the screen are Python's, no mouse is needed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

from inkling.config import SamplingSettings
from inkling.inspection.heads import head_measures, row_entropy
from inkling.inspection.inspected_model import InspectedModel
from inkling.inspection.next_piece import next_pieces
from inkling.inspection.pairs import PairCounts
from inkling.inspection.passages import TrainingText
from inkling.inspection.surprise import surprises
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.workspace import Workspace
from tests.browser.test_chat_page import finished, say
from tests.server.conftest import Server

pytestmark = pytest.mark.browser

TEXT = "The piano was out of tune, and so was the man who had come to tune the piano."
PANELS = (
    "pieces", "pairs", "attention", "heads", "neurons", "next", "surprise", "steps", "ladder",
)  # fmt: skip
SOON = 60_000


@pytest.fixture(scope="module")
def tiny(talked: Workspace) -> InspectedModel:
    return InspectedModel.load(Run.open(talked, "tiny"), Runtime.detect(threads=1))


def ready(page: Page, panel: str) -> None:
    page.locator(f".panel[data-panel={panel}][data-ready=true]").wait_for(timeout=SOON)


def show(page: Page, server: Server, panel: str) -> None:
    """A panel on the text that every test reads."""
    page.goto(f"{server.url}#/inside/{panel}")
    page.get_by_label("Your text", exact=True).fill(TEXT, timeout=SOON)
    # What was ready before may be the panel of another text.
    page.wait_for_function(
        "text => [...document.querySelectorAll('.piece')].map((piece) => piece.textContent)"
        ".join('').replaceAll('␣', ' ').includes(text)",
        arg=TEXT,
        timeout=SOON,
    )
    ready(page, panel)


def value(page: Page, key: str) -> str:
    return page.locator(f"dd[data-key={key}]").inner_text()


def number(text: str) -> float:
    found = re.search(r"-?[\d,]+(?:\.\d+)?", text)
    assert found, text
    return float(found[0].replace(",", ""))


def choose(page: Page, position: int) -> None:
    page.locator(f"#piece-{position}").click()
    expect(page.locator(f"#piece-{position}")).to_have_attribute("aria-selected", "true")


def test_pieces(page: Page, server: Server, tiny: InspectedModel) -> None:
    """Ids and counts; the slider cuts into characters; typing cuts anew."""
    show(page, server, "pieces")
    ids = tiny.encode(TEXT).window
    expect(page.locator(".piece")).to_have_count(len(ids))
    choose(page, 3)
    assert value(page, "id") == str(ids[3])
    counts = TrainingText(tiny.run).counts
    assert number(value(page, "count")) == counts[ids[3]]
    assert str(tiny.tokenizer.vocab_size) in value(page, "vocabulary").replace(",", "")
    slider = page.get_by_role("slider", name="merges")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator(".cells")).to_have_attribute("data-cells", str(len(TEXT)))
    page.get_by_label("characters instead").check()
    places = [str(tiny.tokenizer.characters.index(character)) for character in TEXT[:4]]
    assert page.locator(".cell .id").all_inner_texts()[:4] == places
    page.get_by_label("Your text", exact=True).fill("The")
    expect(page.locator(".piece")).to_have_count(len(tiny.encode("The").window))


def test_attention(page: Page, server: Server, tiny: InspectedModel) -> None:
    """Score, scaled score, weight and entropy of a row, with and without the division; the
    other layers and heads by their names."""
    show(page, server, "attention")
    states = tiny.states(tiny.encode(TEXT)).layers
    for layer, head in ((0, 0), (len(states) - 1, tiny.config.model.n_head - 1)):
        page.get_by_label("layer").select_option(str(layer))
        page.get_by_label("head").select_option(str(head))
        choose(page, 9)
        attention = states[layer].attention
        assert attention is not None
        row = attention.weights_HTT[head, 9, :10].double()
        best = int(row.argmax())
        scores = attention.q_HTD[head, 9] @ attention.k_HTD[head].T
        expect(page.locator("dd[data-key=score]")).to_have_text(f"{float(scores[best]):.4f}")
        scaled = float(scores[best]) / attention.head_dim**0.5
        assert number(value(page, "scaled")) == pytest.approx(scaled, abs=1e-4)
        assert number(value(page, "weight")) == pytest.approx(100 * float(row[best]), abs=0.006)
        entropy = float(row_entropy(row.numpy()))
        assert number(value(page, "entropy")) == pytest.approx(entropy, abs=1e-4)
    page.get_by_label("divide by √d_k").uncheck()
    plain = torch.softmax(scores[:10].double(), -1).numpy()
    entropy = f"{float(row_entropy(plain)):.4f}"
    expect(page.locator("dd[data-key=entropy]")).to_contain_text(entropy[:-1])
    page.get_by_role("button", name="View as table").click()
    expect(page.locator(".scroll tbody tr")).to_have_count(10)


def test_next_piece(page: Page, server: Server, tiny: InspectedModel) -> None:
    """Entropy and probabilities at the chat's settings and at others; what is drawn is written."""
    show(page, server, "next")
    logits = tiny.logits(tiny.encode(TEXT))[-1]

    def holds(settings: SamplingSettings) -> None:
        own = next_pieces(logits, tiny.live, settings)
        expect(page.locator("dd[data-key=after]")).to_have_text(f"{own.entropy_after:.4f} bits")
        assert number(value(page, "before")) == pytest.approx(own.entropy_before, abs=1e-4)
        assert number(value(page, "choices")) == pytest.approx(2**own.entropy_after, abs=0.01)
        assert number(value(page, "kept")) == pytest.approx(100 * own.kept, abs=0.006)
        best = int(own.before.argmax())
        first = page.locator(".figure tr, .main tr").first.locator(".number").inner_text()
        assert number(first) == pytest.approx(100 * own.after[best], abs=0.006)

    holds(SamplingSettings(temperature=0.5, top_k=25))
    for label, key in (("Temperature", "End"), ("Top-k", "Home")):
        page.get_by_label(label).focus()
        page.keyboard.press(key)
    holds(SamplingSettings(temperature=2, top_k=0))
    page.get_by_role("button", name="Draw 100").click()
    expect(page.locator("tr .number").first).to_contain_text("·")
    drawn = [number(text.split("·")[1]) for text in page.locator("tr .number").all_inner_texts()]
    assert 0 < sum(drawn) <= 100
    page.get_by_label("Temperature").focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Draw one").click()
    best_id = int(np.where(tiny.live, logits, -np.inf).argmax())
    if best_id != tiny.tokenizer.end_id:
        longer = TEXT + tiny.tokenizer.decode([best_id])
        expect(page.get_by_label("Your text", exact=True)).to_have_value(longer)


def test_surprise(page: Page, server: Server, tiny: InspectedModel) -> None:
    """Each piece's bits, and their sum."""
    show(page, server, "surprise")
    text = tiny.encode(TEXT)
    found = surprises(tiny.logits(text), text.window)
    assert number(value(page, "sum")) == pytest.approx(sum(one.bits for one in found), abs=0.01)
    choose(page, 5)
    assert number(value(page, "bits")) == pytest.approx(found[4].bits, abs=1e-3)
    assert number(value(page, "rank")) == found[4].rank
    assert number(value(page, "p")) == pytest.approx(100 * found[4].p, abs=0.01)


def test_pairs(page: Page, server: Server, tiny: InspectedModel) -> None:
    """Counts of the selected piece, its three most frequent followers, a passage of the corpus."""
    show(page, server, "pairs")
    choose(page, 1)
    ids = tiny.encode(TEXT).window
    counts = PairCounts.of(TrainingText(tiny.run).ids, tiny.tokenizer.vocab_size)
    total = int(counts.total_V[ids[1]])
    expect(page.locator("dd[data-key=total]")).to_have_text(f"{total:,} times")
    followers = np.sort(counts.row(ids[1])[1])[::-1][:3]
    for rank, count in enumerate(followers):
        shown = page.locator(f"[data-top='{rank}']").inner_text()
        assert number(shown) == pytest.approx(100 * count / total, abs=0.06)
    expect(page.locator(".passage mark").first).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Continue it both ways").click()
    expect(page.locator(".both .words")).to_have_count(2, timeout=SOON)


def test_heads_and_neurons(page: Page, server: Server, tiny: InspectedModel) -> None:
    """Entropy and distance under each tile; the value of a neuron; passages that fire it."""
    show(page, server, "heads")
    states = tiny.states(tiny.encode(TEXT))
    for layer, each in enumerate(states.layers):
        assert each.attention is not None
        measured = head_measures(each.attention.weights_HTT.numpy(), states.ids)
        for head, one in enumerate(measured):
            entropy = page.locator(f"[data-entropy='{layer}.{head}']").inner_text()
            assert number(entropy) == pytest.approx(one.entropy, abs=0.006)
            back = page.locator(f"[data-distance='{layer}.{head}']").inner_text()
            assert number(back) == pytest.approx(one.distance, abs=0.06)
    page.locator(".tile").first.click()
    page.get_by_role("button", name="Open in Attention").click()
    ready(page, "attention")
    page.get_by_role("link", name="Neurons").click()
    ready(page, "neurons")
    neuron = int(value(page, "neuron"))
    neurons = states.layers[0].neurons
    assert neurons is not None
    last = neurons.activations_TF[-1]
    assert neuron == int(last.abs().argmax())
    assert number(value(page, "value")) == pytest.approx(float(last[neuron]), abs=1e-3)
    expect(page.locator(".passage")).to_have_count(5, timeout=SOON)


def test_by_keyboard_alone(page: Page, server: Server) -> None:
    """The text, its pieces, the panels, the checkpoints and a reply step by step: no mouse."""
    show(page, server, "steps")
    strip = page.get_by_role("listbox", name="The text as pieces")
    strip.focus()
    page.keyboard.press("Home")
    expect(page.locator("#piece-0")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowRight")
    expect(strip).to_have_attribute("aria-activedescendant", "piece-1")
    page.keyboard.press("Escape")
    scrubber = page.get_by_role("slider", name="Checkpoint")
    scrubber.focus()
    page.keyboard.press("Home")
    expect(scrubber).to_have_attribute("aria-valuetext", re.compile("step 0"))
    expect(page).to_have_url(re.compile("step=0"))
    assert TEXT.split()[1] not in page.url
    page.keyboard.press("End")
    ready(page, "steps")
    stages = page.locator("[data-stage]").count()
    before = page.locator(".piece").count()
    expect(page.get_by_role("button", name="Next step")).to_be_enabled()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    # The list of runs is looked at now and then: what is shown stays where it is.
    with page.expect_response("**/api/inside/runs"):
        page.evaluate("window.dispatchEvent(new HashChangeEvent('hashchange'))")
    for _ in range(stages - 2):
        page.keyboard.press("Space")
    expect(page.locator("[data-stage=append]")).to_have_attribute("aria-current", "step")
    ends = "the end" in page.locator("[data-stage=append] .what").inner_text()
    page.keyboard.press("Space")
    if not ends:
        expect(page.locator("[data-stage=context]")).to_have_attribute("aria-current", "step")
        assert page.locator(".piece").count() >= before
    page.get_by_role("link", name="Surprise").focus()
    page.keyboard.press("Enter")
    ready(page, "surprise")
    expect(page).to_have_url(re.compile("#/inside/surprise"))


def test_the_tour_in_the_articles_order(page: Page, server: Server) -> None:
    """Next walks through the panels; it ends where training and chat are."""
    show(page, server, "surprise")
    page.get_by_role("button", name="Take the tour").click()
    for panel in ("pieces", "pairs", "attention", "heads", "neurons", "next"):
        ready(page, panel)
        page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_role("link", name="Open Training")).to_be_visible()
    page.get_by_role("button", name="Next", exact=True).click()
    page.get_by_role("link", name="Open Chat").click()
    expect(page).to_have_url(re.compile("#/chat"))


def test_from_a_reply_and_from_a_checkpoint(page: Page, server: Server) -> None:
    """ "Look inside" brings message and reply, and neither stands in the address; "Inside this
    checkpoint" brings run and step."""
    page.goto(server.url + "#/chat")
    say(page, "What do you do?")
    finished(page)
    reply = page.locator(".bubble.model .words").last.inner_text().strip()
    page.get_by_role("button", name="Look inside").last.click()
    ready(page, "attention")
    expect(page.get_by_label("Your text", exact=True)).to_have_value("What do you do?")
    expect(page.get_by_label("Reply")).to_have_value(reply)
    assert "What" not in page.url
    page.goto(server.url + "#/training")
    link = page.get_by_role("link", name="Inside this checkpoint").first
    link.click(timeout=SOON)
    ready(page, "next")
    expect(page).to_have_url(re.compile("run=tiny"))


def test_long_strange_and_no_text(page: Page, server: Server, tiny: InspectedModel) -> None:
    """A window that can be moved; other alphabets, emoji, nothing at all: no error anywhere."""
    show(page, server, "surprise")
    page.get_by_label("Your text", exact=True).fill("one two three four five " * 200)
    expect(page.locator(".window")).to_contain_text(f"reads {tiny.context_length} pieces")
    page.get_by_role("button", name="Earlier").click()
    expect(page.get_by_role("button", name="Later")).to_be_enabled()
    for text in ("", "a", "שלום עולם", "👩\u200d👧 e\u0301\u0323 ☃"):
        page.get_by_label("Your text", exact=True).fill(text)
        expect(page.locator(".piece")).to_have_count(len(tiny.encode(text).window))
        for name in ("Pairs", "Attention", "Next piece", "Surprise"):
            page.get_by_role("link", name=name).click()
            ready(page, name.split()[0].lower())
            expect(page.get_by_role("alert")).to_have_count(0)


def test_pictures_and_numbers_are_saved(page: Page, server: Server, tmp_path: Path) -> None:
    """PNG, SVG with the run and the checkpoint in its caption, CSV of what the table shows."""
    show(page, server, "attention")
    saved = {}
    for kind in ("PNG", "SVG", "CSV"):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=f"Save {kind}").click()
        path = tmp_path / f"saved.{kind}"
        waiting.value.save_as(path)
        saved[kind] = path.read_bytes()
    assert saved["PNG"].startswith(b"\x89PNG")
    assert b"Run tiny, checkpoint of step" in saved["SVG"]
    assert saved["CSV"].startswith(b"piece,position,looks at")
