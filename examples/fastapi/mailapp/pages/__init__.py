"""The pages. They are the same for every user; the API provides their content."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

_FOLDER = Path(__file__).parent

pages = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


def _page(name: str) -> str:
    base = (_FOLDER / "base.html").read_text(encoding="utf-8")
    return base.replace("<!-- main -->", (_FOLDER / name).read_text(encoding="utf-8"))


@pages.get("/")
def home() -> str:
    """Return the home page."""
    return _page("home.html")


@pages.get("/inbox/")
def inbox() -> str:
    """Return the page with the user's messages."""
    return _page("inbox.html")
