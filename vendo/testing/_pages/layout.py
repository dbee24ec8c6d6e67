"""The layout of every page: one style, light and dark, without external resources."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from urllib.parse import urlsplit

from vendo.testing._http.messages import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Json

_STYLE = """
:root{color-scheme:light dark;--ground:#f4f6fa;--card:#fff;--text:#1b1f27;--soft:#4b5362;
--line:#d5dae3;--edge:#767f90;--accent:#1d4fc4;--on-accent:#fff;--tint:#e8eefc;--good:#17693a;
--good-tint:#e3f4e9;--warn:#8a4b00;--warn-tint:#fdf0dd;--shade:#1b1f2714}
@media (prefers-color-scheme:dark){:root{--ground:#12151b;--card:#1c212a;--text:#e9ecf2;
--soft:#b3bac8;--line:#343c4a;--edge:#8891a3;--accent:#9dbcff;--on-accent:#0d1526;--tint:#26324d;
--good:#7fd8a1;--good-tint:#183526;--warn:#f0b768;--warn-tint:#3b2c14;--shade:#0000}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:1rem/1.55 system-ui,sans-serif;
-webkit-text-size-adjust:100%}
header,main{max-width:40rem;margin:0 auto;padding:0 1rem}
header{display:flex;flex-wrap:wrap;gap:0 .75rem;align-items:center;min-height:3.5rem}
header a{display:inline-block;padding:.65rem 0;color:inherit;font-weight:700;text-decoration:none}
header a:hover{text-decoration:underline}
main{padding-bottom:2rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.9rem;padding:1.5rem;
box-shadow:0 1px 3px var(--shade),0 8px 24px var(--shade)}
.head{display:flex;gap:.9rem;align-items:center;margin:0 0 1rem}
.mark{flex:none;display:grid;place-items:center;width:2.75rem;height:2.75rem;border-radius:.75rem;
background:var(--tint);color:var(--accent);font-size:1.25rem;font-weight:700}
h1{font-size:1.5rem;line-height:1.25;margin:0;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:2rem 0 .5rem}
h3{font-size:1rem;margin:1.25rem 0 .5rem;color:var(--soft)}
code{font:.875rem ui-monospace,monospace;color:var(--soft)}
p{margin:0 0 1rem}
a{color:var(--accent)}
ul{list-style:none;margin:0;padding:0}
.rows li{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:center;
border-top:1px solid var(--line);padding:.25rem 0;min-height:3rem}
.rows li>:first-child{flex:1 1 8rem;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,16rem),1fr));gap:.5rem}
.tiles li{display:flex;flex-wrap:wrap;gap:0 .5rem;align-items:center;padding:0 .8rem;
border:1px solid var(--line);border-radius:.6rem;overflow-wrap:anywhere}
.tiles li:hover{border-color:var(--accent);background:var(--tint)}
.tiles a{flex:1 0 auto;display:flex;align-items:center;min-height:2.75rem;text-decoration:none}
.tiles a:hover{text-decoration:underline}
.tiles code{padding:.35rem 0 .45rem}
.rows a{display:inline-block;padding:.65rem 0}
.tag{padding:.1rem .65rem;border-radius:1rem;font-size:.875rem;background:var(--warn-tint);
color:var(--warn)}
.tag.good{background:var(--good-tint);color:var(--good)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.5rem 1rem;margin:0 0 1.5rem;
padding:1rem 0;border:1px solid var(--line);border-width:1px 0}
dt,.soft{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
form{display:flex;flex-wrap:wrap;gap:.75rem}
button{flex:1 1 9rem;min-height:2.75rem;padding:.5rem 1rem;border-radius:.6rem;font:inherit;
font-weight:600;cursor:pointer;border:1px solid var(--edge);background:var(--card);
color:var(--accent)}
button:hover{background:var(--tint)}
.filter{align-items:end;margin:0 0 1rem}
label{flex:1 0 100%;margin:0 0 -.5rem;font-weight:600}
input[type=search]{flex:10 1 12rem;min-height:2.75rem;min-width:0;padding:.5rem .8rem;font:inherit;
color:inherit;background:var(--card);border:1px solid var(--edge);border-radius:.6rem}
button.main{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
button.main:hover{text-decoration:underline}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);
white-space:nowrap}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
@media (max-width:24rem){dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 .75rem}}
"""
#: Report to the page that opened this one as a popup, and close it.
_SCRIPT = """
const told=document.querySelector("[data-message]").dataset;
if(window.opener){window.opener.postMessage(JSON.parse(told.message),told.opener);window.close()}
"""


def _hash_of(text: str) -> str:
    """Return the source expression with which a policy allows an inline style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_STYLE_HASH, _SCRIPT_HASH = _hash_of(_STYLE), _hash_of(_SCRIPT)

#: The key that the manual's pages show too.
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect "
    "width='32' height='32' rx='7' fill='%231d4fc4'/%3E%3Cg fill='none' stroke='%23fff' "
    "stroke-width='3' stroke-linecap='round'%3E%3Ccircle cx='11' cy='21' r='4.5'/%3E%3Cpath "
    "d='M14.5 17.5 24 8m-4 4 3 3'/%3E%3C/g%3E%3C/svg%3E"
)


def page(
    status: int,
    title: str,
    content: str,
    *,
    about: str = "",
    form_target: str = "",
    message: tuple[Json, str] | None = None,
) -> Response:
    """Return a complete page.

    Args:
        status: the HTTP status.
        title: text, not escaped.
        content: HTML.
        about: the name of the provider on the page. Its first letter is shown before the heading.
        form_target: the URL to which a form redirects. Browsers check it against `form-action`.
        message: what to post to the page that opened this one, and to which origin, or None.
    """
    target = urlsplit(form_target)
    # A policy cannot name an IPv6 address, only its scheme.
    origin = f"{target.scheme}:" if "[" in target.netloc else f"{target.scheme}://{target.netloc}"
    further = f" {origin}" if form_target else ""
    heading = escape(title)
    mark = f'<span class="mark" aria-hidden="true">{escape(about[:1].upper())}</span>'
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{heading} - Local Vendo</title><link rel="icon" href="{_ICON}">'
        f"<style>{_STYLE}</style></head>"
        '<body><header><a href="/">Local Vendo</a><span class="soft">on this machine</span>'
        '</header><main><div class="card">'
        f'<div class="head">{mark if about else ""}<h1>{heading}</h1></div>{content}'
        f"</div></main>{_report(*message) if message else ''}</body></html>"
    )
    scripts = f"script-src {_SCRIPT_HASH}; " if message else ""
    policy = (
        f"default-src 'none'; style-src {_STYLE_HASH}; {scripts}img-src data:; "
        f"form-action 'self'{further}; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(status, html.encode(), headers)


def _report(message: Json, opener: str) -> str:
    """Return the script with its data, which is not in it, so that one hash allows it."""
    data = f'data-message="{escape(json.dumps(message))}" data-opener="{escape(opener)}"'
    return f"<div hidden {data}></div><script>{_SCRIPT}</script>"
