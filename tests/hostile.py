"""Texts as nobody should write them, for whatever is made of a lifecycle's texts."""

from __future__ import annotations

from hypothesis import strategies as st

TEXTS = (
    "a | b || c",
    "`tick` ``two`` ```three```",
    "<script>alert(1)</script> <b>&amp; </details>",
    "first\nsecond\r\n::error::owned",
    "::error file=x::owned",
    "##[error]owned ##[add-mask]x",
    "100%25 %0A %0D %3A: a, b = c;",
    "@everybody and @team/people, #1, GH-2",
    "[text](https://evil.example) ![i](x) <https://evil.example> www.evil.example",
    "# heading",
    "1. item",
    "- item",
    "> quote",
    "---",
    "*bold* __bold__ ~~struck~~ $x$ \\| \\` \\\\",
    "ends in a backslash \\",
    "```\nout\n```",
    "\u202eright to left\u202c \u2028 \x1b[31mred \x00",
    "{{ template }} ${{ secrets.TOKEN }} $(id) `id`",
    "x" * 5_000,
    "",
)

texts = st.one_of(
    st.sampled_from(TEXTS),
    st.text(alphabet="ab_1 \n\t`|\\<>&*#@[]()!~$:/.-+=%,;'\"{}", max_size=30),
    st.text(max_size=20),
)
