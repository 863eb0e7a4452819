"""What Inside reads before anybody has typed: a question of the workspace, not of the demo."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import STARTERS

pytestmark = pytest.mark.browser


def test_the_example_is_a_question_of_this_workspace(open_page: Callable[..., Page]) -> None:
    """The first of the suggested questions; a neutral word until they are known; and what was
    typed or chosen meanwhile stays."""
    page = open_page("#/inside")
    text = page.get_by_label("Your text", exact=True)
    expect(text).to_have_value(STARTERS[0])

    held: list[Route] = []
    page.route("**/api/health*", lambda route: held.append(route))  # noqa: PLW0108
    page.reload()
    expect(text).to_have_value("Hello")
    text.fill("Hello")
    text.fill("Hello you")
    expect(page.locator(".piece")).not_to_have_count(0)
    assert held
    with page.expect_response("**/api/health*"):
        for route in held:
            route.continue_()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => done(null)))")
    expect(text).to_have_value("Hello you")
