"""Pages of other sites: whatever a browser sends for them, nothing is read and nothing is done."""

from __future__ import annotations

import http.client
import itertools

import httpx

from tests.server.conftest import PATIENCE, Server

OWN = ("127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "localhost")
FOREIGN = (
    "evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}",
    "localhost.evil.example", "127.0.0.1@evil.example", "evil.example#127.0.0.1",
    "169.254.1.1:{port}", "", "[", "[::ffff:1.2.3.4]",
)  # fmt: skip
FOREIGN_ORIGINS = (
    "http://evil.example", "null", "http://[", "http://127.0.0.1:1",
    "http://localhost.evil.example", "file://", "http://evil.example@{host}",
)  # fmt: skip
OWN_ORIGINS = (None, "http://{host}", "https://{host}")
SITES = (None, "same-origin", "same-site", "none", "cross-site")


def test_every_combination_of_host_origin_and_site(served: Server) -> None:
    """Of hosts, origins and what a browser says about where a request comes from: answered is what
    is our own in each, everything else is a 403 without a word about anyone."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    tried = 0
    for host, origin, site in itertools.product(
        OWN + FOREIGN, OWN_ORIGINS + FOREIGN_ORIGINS, SITES
    ):
        name = host.format(port=served.port)
        headers = {"Host": name}
        if origin is not None:
            headers["Origin"] = origin.format(host=name)
        if site is not None:
            headers["Sec-Fetch-Site"] = site
        connection.request("GET", "/api/chats", headers=headers)
        response = connection.getresponse()
        body = response.read()
        ours = host in OWN and origin in OWN_ORIGINS and site != "cross-site"
        assert (response.status == 200) is ours, headers
        assert ours or (response.status == 403 and b"chats" not in body), headers
        assert response.headers["access-control-allow-origin"] is None
        tried += 1
    connection.close()
    assert tried == 700


def test_a_form_of_another_site_does_nothing(served: Server) -> None:
    """What a form can send without asking: its type of body, its origin, no header of its own."""
    paths = ("api/chats", "v1/chat/completions", "api/runs")
    with httpx.Client(base_url=served.url, timeout=PATIENCE) as client:
        before = client.get("api/chats").json()
        for path, origin in itertools.product(paths, FOREIGN_ORIGINS):
            answer = client.post(
                path, content=b"message=hi",
                headers={"Origin": origin.format(host=f"127.0.0.1:{served.port}"),
                         "Content-Type": "application/x-www-form-urlencoded"},
            )  # fmt: skip
            assert answer.status_code == 403
        assert client.get("api/chats").json() == before
        assert client.get("api/runs").json()["training"]["state"] == "idle"
