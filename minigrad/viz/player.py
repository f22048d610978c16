"""A page that plays steps one by one: the buttons and their script, shared by `stepper` and `convolution`.

It is one self-contained HTML element: a notebook shows it, a browser opens it from a file, and nothing is loaded from
the network.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

PAGE = """<div class="minigrad-{name}">
<style>.minigrad-{name} {{ font-family: system-ui, sans-serif; line-height: 1.5; }}
.minigrad-{name} pre {{ white-space: pre-wrap; font-family: monospace; }}
{style}</style>
<p><button type="button" data-do="first">start</button> <button type="button" data-do="back">back</button>
<button type="button" data-do="next">next</button> <button type="button" data-do="play">play</button>
<span data-show="count"></span></p>
{body}
<script>(() => {{
  const root = document.currentScript.parentElement, steps = {steps};
  const show = (name) => root.querySelector(`[data-show="${{name}}"]`);
  let at = 0, timer = 0;
  const draw = () => {{
{draw}
    show("count").textContent = `step ${{at + 1}} of ${{steps.length}}`;
  }};
  const player = root.querySelector('[data-do="play"]');
  const stop = () => {{ clearInterval(timer); timer = 0; player.textContent = "play"; }};
  const moves = {{
    first: () => {{ stop(); at = 0; }},
    back: () => {{ stop(); at = Math.max(0, at - 1); }},
    next: () => {{ stop(); at = Math.min(steps.length - 1, at + 1); }},
    play: () => {{
      if (timer) {{ stop(); return; }}
      if (at === steps.length - 1) at = 0;
      player.textContent = "pause";
      timer = setInterval(() => {{ if (at < steps.length - 1) {{ at += 1; draw(); }} else stop(); }}, 1200);
    }},
  }};
  root.querySelectorAll("[data-do]").forEach((button) =>
    button.addEventListener("click", () => {{ moves[button.dataset.do](); draw(); }}));
  root.querySelectorAll("[data-step]").forEach((place) =>
    place.addEventListener("click", () => {{ stop(); at = Number(place.dataset.step); draw(); }}));
  draw();
}})();</script></div>"""


def write_player(name: str, style: str, body: str, draw: str, steps: Sequence[Any]) -> str:
    """The element: `body` in HTML, and `draw`, JavaScript that shows `steps[at]` in it; a `data-step` leads there.

    >>> write_player("steps", "", "<p data-show='word'></p>", 'show("word").textContent = steps[at];', ["a"])[:28]
    '<div class="minigrad-steps">'
    """
    written = json.dumps(steps).replace("</", "<\\/")
    return PAGE.format(name=name, style=style, body=body, draw=draw, steps=written)


def save_page(path: str | os.PathLike[str], what: str, title: str, element: str) -> None:
    """Writes a page around `element` to a file whose name ends in .html. Raises ValueError for another name."""
    if Path(path).suffix.lower() != ".html":
        raise ValueError(f"{what} is saved as .html; got {str(path)!r}")
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><link rel="icon" href="data:,">'  # none to fetch
    page = f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{element}</body></html>\n'
    Path(path).write_text(page, encoding="utf-8")
