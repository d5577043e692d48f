"""Drawings made by hand: small ones, large ones, and such whose texts are hostile."""

from __future__ import annotations

from keyfate.diagrams.figure import Cluster, Edge, Figure, Lane, Message, Moment, Node, Sequence

HOSTILE = (
    "key:volatile",
    "node",
    "graph",
    "edge",
    "subgraph",
    "digraph",
    "strict",
    "Node",
    "end",
    "click",
    "a\\b",
    "a\\",
    "a\\\\",
    'a\\"b',
    '"',
    '"quoted"',
    "two\nlines",
    "<b>bold</b>",
    "<>",
    "<unclosed",
    "\\N",
    "\\G",
    "\\l",
    "&amp;",
    "&lt;&#60;",
    "😀 emoji",
    "right\u202eleft",
    "zero\u200bwidth",
    "nul\x00",
    "%% comment",
    "%%{init: {'theme': 'dark'}}%%",
    "---",
    "``` fence ```",
    "`tick`",
    "a;b",
    "#35;",
    "a -> b",
    "a --> b",
    "{record|label}",
    "[link](javascript:alert(1))",
    "**bold** _it_ 1. one",
    "style x:#fff;",
    "classDef x:#fff;",
    "fa:fa-ban",
    "",
    " ",
    "%local",
    "\ud800",
    "עברית",
    "123",
    "1a",
    "-1.5",
    "ﬂ°°35¶ß",
    "</script><img src=x onerror=alert(1)>",
    "end note",
    "a/*b*/ // c",
    "\t",
    "x" * 70,
    "words with  many   spaces     between      them       and        more",
)


def hostile() -> Figure:
    """Every hostile text as a name, a label, a title, a frame, a note."""
    nodes = tuple(Node(text, text, "state", cluster="graph" if i % 3 == 0 else None) for i, text in enumerate(HOSTILE))
    edges = tuple(Edge(text, HOSTILE[i - 1], text, "step") for i, text in enumerate(HOSTILE))
    clusters = (Cluster("graph", '"</b>\\N', boundary=True), Cluster("node", "%%{init}", parent="graph"))
    return Figure('"title" \\T <b>&amp; ```', nodes, edges, clusters, notes=HOSTILE)


def hostile_sequence() -> Sequence:
    lanes = tuple(Lane(text, text, "place") for text in HOSTILE)
    messages = tuple(Message(text, HOSTILE[i - 1], text, "writes") for i, text in enumerate(HOSTILE))
    moment = Moment(1, HOSTILE[0], messages, HOSTILE, HOSTILE)
    return Sequence("title; end", (*lanes, Lane("attacker", "attacker", "attacker")), (moment,), "end; #", HOSTILE)


def large() -> Figure:
    """Sixty nodes that hang together as key graphs do."""
    kinds = ("root", "derived", "place", "sealed", "derived")
    nodes = tuple(
        Node(f"n{i}", f'td_key[alpha, public_image_{i}, agent]\nkdf "td-seed-{i}"', kinds[0] if i < 6 else kinds[i % 5])
        for i in range(60)
    )
    edges = tuple(
        Edge(f"n{(i * 7 + k) % max(i // 3, 1)}", f"n{i}", "td_seed[alpha]" if k else "", "derives")
        for i in range(6, 60)
        for k in range(1 + i % 2)
    )
    return Figure("sixty nodes", nodes, edges, notes=("a note that stands below",))


def story() -> Sequence:
    lanes = (
        Lane("actor:package", "package", "actor"),
        Lane("place:key_table[alpha]", "key_table[alpha]", "place"),
        Lane("place:disk[alpha]", "disk[alpha]", "place"),
        Lane("attacker", "attacker", "attacker"),
    )
    sealed = "enc(td_key[alpha, public_image, agent], memory[agent])"
    return Sequence(
        "confidentiality under a policy: the attacker never learns memory[agent]",
        lanes,
        (
            Moment(0, "at the start", (), (), ()),
            Moment(
                1,
                "launch[t: agent, p: alpha, i: public_image]",
                (
                    Message("actor:package", "place:key_table[alpha]", "td_key[alpha, public_image, agent]", "writes"),
                    Message("actor:package", "actor:package", "measures the image that it was given", "acts"),
                ),
                ("td[agent]: absent → running", "image[agent]: none → public_image"),
            ),
            Moment(
                2,
                "save[t: agent, p: alpha]",
                (
                    Message("actor:package", "place:key_table[alpha]", "td_key[alpha, public_image, agent]", "erases"),
                    Message("actor:package", "place:disk[alpha]", sealed, "writes"),
                    Message("place:disk[alpha]", "attacker", f"{sealed} by steal_disk", "seen"),
                ),
                ("td[agent]: running → saved",),
                (sealed,),
            ),
            Moment(3, "reset[p: alpha]", (), ("power[alpha]: on → off",), (sealed,)),
            Moment(4, "open[p: alpha]", (), (), (sealed, "platform_seed[alpha]", "memory[agent]")),
        ),
        "VIOLATED in 4 steps: the attacker learns memory[agent]",
        ("the attacker can: steal_disk, open_tpm",),
    )
