"""From text to nodes: every construct, every span, every syntax error."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import resources
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark import Lark, logger

from keyfate.language import expecting, syntax
from keyfate.language.parsing import parse
from keyfate.language.rendering import render
from keyfate.language.scanning import DECLARATIONS
from keyfate.language.source import Source, Span
from keyfate.language.syntax import File

SAMPLE = """\
lifecycle sample "A \\"sample\\"" source "here" source "there" status documented
include "parts/tpm.kf" as tpm  -- comments end with the line: secret, "text
sort P = alpha | beta "platforms"
sort E = 0 .. 3
control persistence[P] : off | opt_in "how" value off "never" value opt_in "asked" evidence "policy"
control binds : bool
capability steal[P] "reads" cwe 311 cwe 312 ref "paper" cost 2
component package inside "the package"
component host outside
secret seed[P] "the seed", memory
public measurement[P], nobody
key k[p: P] = kdf("k", seed[p], if binds then measurement[p] else nobody) "derived"
def both[p: P] = all q: P where q != p { power[q] = on } and some e: E { e < 2 }
message Blob = enc(k[p], memory) for p: P
place store[p: P] persistent at package starts with seed[p], pub(seed[p]) "the store"
place disk[P] volatile at host
state power[P] : off | on | gone = off "power"
state owner[p: P] : P or none = none
state epoch : E = any
exposes disk[p: P] to steal[p] and tpm.open when power[p] = off "at rest"
exposes disk[alpha] to steal
action save[p: P, q: P] "saves" source "manual" status claimed by package needs steal[p] and glitch power event
  when power[p] = on and not once did reset and epoch in {0, 1} or (store, disk[p]) yields memory since did save[p, _]
  then power[p] := off; epoch := epoch + 1;
       disk[p] gains enc(k[p], memory) using store, disk[q];
       disk[p] gains all of store[p]; disk[p] loses memory; clear disk[q];
       disk[p] becomes {memory, k[p]} ideal; disk[p] becomes {}; disk[p] becomes store[p];
       leaks memory using store to steal and tpm.open;
       for x: P, y: P where x != y { if power[x] = on { clear disk[x] } else if binds { clear disk[y]; } else { } }
       if binds { clear disk[p] };
action reset by attacker when attacker knows enc(k[alpha], memory) and disk[p] has memory implies binds iff true
constraint binds or persistence[alpha] = off "sensible"
check secrecy(memory, both[alpha]) as kept severity high
check plain
property secrecy(item[T]: secret, gone[T]: condition, where: place, k: key) "{item} is kept" severity high
  holds "kept" broken "lost"
  for t: T, u: T when gone[t] never item[t] recoverable except (where, disk[t])
property plain always historically (not memory recoverable) or memory recoverable from store
property benefit possible previously power[alpha] = on
"""


def read(text: str) -> File:
    file, errors = parse(Source("m.kf", text))
    assert errors == (), render(errors)
    return file


def plain(node: Any) -> Any:
    """A node as nested text without spans and without what is missing."""
    match node:
        case syntax.Word() | syntax.Text():
            return node.text
        case syntax.Number():
            return node.value
        case syntax.Quoted():
            return f'"{node.text}"'
        case syntax.Ref(args=()):
            return node.name.text
        case syntax.Ref():
            return f"{node.name.text}[{', '.join(str(plain(arg)) for arg in node.args)}]"
        case syntax.Binder(index=()):
            return f"{node.name.text}: {node.sort.text}"
        case syntax.Binary():
            return f"({plain(node.left)} {node.operator} {plain(node.right)})"
        case syntax.Unary():
            return f"({node.operator} {plain(node.operand)})"
        case syntax.Call():
            return f"{node.function.text}({', '.join(str(plain(arg)) for arg in node.args)})"
        case tuple():
            return tuple(map(plain, node))
        case _ if is_dataclass(node):
            values = {f.name: plain(getattr(node, f.name)) for f in fields(node) if f.name != "span"}
            kept = ", ".join(f"{name}={value}" for name, value in values.items() if value not in ((), None, "Notes()"))
            return f"{type(node).__name__}({kept})"
        case _:
            return node


def inside(node: Any) -> Iterator[Any]:
    """Every node, the outer before the inner."""
    if isinstance(node, tuple):
        for item in node:
            yield from inside(item)
    elif is_dataclass(node) and not isinstance(node, Span):
        yield node
        for field in fields(node):
            yield from inside(getattr(node, field.name))


def expr(text: str) -> Any:
    (declaration,) = read(f"def d = {text}").declarations
    assert isinstance(declaration, syntax.DefDecl)
    return plain(declaration.body)


def effects(text: str) -> Any:
    (declaration,) = read(f"action a by c then {text}").declarations
    assert isinstance(declaration, syntax.ActionDecl)
    return plain(declaration.effects)


# What is built


def test_sample_has_every_declaration_and_every_node():
    file = read(SAMPLE)
    kinds = {type(node) for node in inside(file)}
    wanted = {*get_args(syntax.Declaration), *get_args(syntax.Expr), *get_args(syntax.Effect)}
    assert {kind.__name__ for kind in wanted - kinds} == set()


DECLARED = [
    (
        'lifecycle l "t" source "a" source "b" status measured',
        "LifecycleDecl(name=l, notes=Notes(title=t, sources=('a', 'b'), status=measured))",
    ),
    ('include "a/b.kf" as x', "IncludeDecl(file=a/b.kf, prefix=x)"),
    ("sort S = a | b", "SortDecl(name=S, members=('a', 'b'))"),
    ('sort S = 0 .. 3 "d"', "SortDecl(name=S, low=0, high=3, notes=Notes(title=d))"),
    (
        'control c[S, T] : a | b "d" value a "A" value b "B" evidence "e"',
        "ControlDecl(name=c, index=('S', 'T'), type=TypeExpr(choices=('a', 'b'), optional=False), "
        "notes=Notes(title=d, evidence=e, values=(('a', 'A'), ('b', 'B'))))",
    ),
    ("control c : bool", "ControlDecl(name=c, type=TypeExpr(choices=('bool',), optional=False))"),
    (
        'capability c[S] "d" cwe 1 cwe 2 ref "r" cost 3',
        "CapabilityDecl(name=c, index=('S',), notes=Notes(title=d, refs=('r',), cwes=(1, 2), cost=3))",
    ),
    ("component c inside", "ComponentDecl(name=c, inside=True)"),
    ('component c outside "d"', "ComponentDecl(name=c, inside=False, notes=Notes(title=d))"),
    ("key k[p: S] = f(a)", "DefDecl(kind=key, name=k, params=('p: S',), body=f(a))"),
    ('def d = a "t"', "DefDecl(kind=def, name=d, body=a, notes=Notes(title=t))"),
    ("message M = f(a) for p: S, q: T", "MessageDecl(name=M, params=('p: S', 'q: T'), body=f(a))"),
    (
        "place p[S, q: T] persistent at c starts with a, b[q]",
        "PlaceDecl(name=p, index=('IndexPart(sort=S)', 'IndexPart(name=q, sort=T)'), persistent=True, component=c, "
        "starts=('a', 'b[q]'))",
    ),
    ("place p volatile at c", "PlaceDecl(name=p, persistent=False, component=c)"),
    (
        "state s[S] : a | b = a",
        "StateDecl(name=s, index=('IndexPart(sort=S)',), type=TypeExpr(choices=('a', 'b'), optional=False), initial=a)",
    ),
    ("state s : S or none = any", "StateDecl(name=s, type=TypeExpr(choices=('S',), optional=True), initial=any)"),
    ("state s : bool", "StateDecl(name=s, type=TypeExpr(choices=('bool',), optional=False))"),
    (
        'exposes p[q: S, alpha, r[a]] to c and d[q] when a = b "t"',
        "ExposesDecl(place=p, args=('q: S', 'alpha', 'r[a]'), capabilities=('c', 'd[q]'), condition=(a = b), "
        "notes=Notes(title=t))",
    ),
    ("exposes p to c", "ExposesDecl(place=p, capabilities=('c',))"),
    (
        'action a[p: S] "d" source "x" by c needs e[p] and f power event when g then clear h status claimed',
        "ActionDecl(name=a, params=('p: S',), actor=c, needs=('e[p]', 'f'), power_event=True, guard=g, "
        "effects=('BecomesEffect(place=h)',), notes=Notes(title=d, sources=('x',), status=claimed))",
    ),
    ("action a by attacker", "ActionDecl(name=a, actor=attacker, power_event=False)"),
    ('constraint a or b "d"', "ConstraintDecl(condition=(a or b), notes=Notes(title=d))"),
    (
        "check p(a, b[c]) as q severity low",
        "CheckDecl(property=p, args=('a', 'b[c]'), alias=q, notes=Notes(severity=low))",
    ),
    ("check p", "CheckDecl(property=p)"),
    (
        'property p(a[S, T]: secret, b: place) "t" severity low holds "h" broken "b" for x: S, y: T when c never d',
        "PropertyDecl(name=p, params=(\"Binder(name=a, sort=secret, index=('S', 'T'))\", 'b: place'), "
        "binders=('x: S', 'y: T'), when=c, kind=never, body=d, "
        "notes=Notes(title=t, severity=low, holds=h, broken=b))",
    ),
    ("property p always a", "PropertyDecl(name=p, kind=always, body=a)"),
    ("property p possible a severity low", "PropertyDecl(name=p, kind=possible, body=a, notes=Notes(severity=low))"),
]


@pytest.mark.parametrize(
    ("text", "node"), DECLARED, ids=[text.split()[0] + str(n) for n, (text, _) in enumerate(DECLARED)]
)
def test_declaration(text, node):
    (declaration,) = read(text).declarations
    assert plain(declaration) == node
    assert declaration.span.text == text


def test_list_of_atoms_is_one_declaration_each():
    declarations = read('secret a[S] "d", b, c "e"\npublic x, y[S, T]').declarations
    assert [plain(d) for d in declarations] == [
        "AtomDecl(kind=secret, name=a, index=('S',), notes=Notes(title=d))",
        "AtomDecl(kind=secret, name=b)",
        "AtomDecl(kind=secret, name=c, notes=Notes(title=e))",
        "AtomDecl(kind=public, name=x)",
        "AtomDecl(kind=public, name=y, index=('S', 'T'))",
    ]
    assert [d.span.text for d in declarations] == ['a[S] "d"', "b", 'c "e"', "x", "y[S, T]"]


PRECEDENCE = [
    ("a implies b implies c", "(a implies (b implies c))"),
    ("a iff b iff c", "((a iff b) iff c)"),
    ("a iff b implies c iff d", "((a iff b) implies (c iff d))"),
    ("a or b iff c or d", "((a or b) iff (c or d))"),
    ("a and b or c and d", "((a and b) or (c and d))"),
    ("a or b or c", "((a or b) or c)"),
    ("a and b and c and d", "((a and b) and (c and d))"),
    ("a and (b and c)", "(a and (b and c))"),
    ("a since b since c", "((a since b) since c)"),
    ("a since b and c since d", "((a since b) and (c since d))"),
    ("not a since b", "((not a) since b)"),
    ("not a and b", "((not a) and b)"),
    ("not a = b", "(not (a = b))"),
    ("not once a = b", "(not (once (a = b)))"),
    ("x and once y or z", "((x and (once y)) or z)"),
    ("historically previously a", "(historically (previously a))"),
    ("a + 1 = b", "((a + 1) = b)"),
    ("a + 1 + 2", "((a + 1) + 2)"),
    ("a != b and c < d and e <= f", "(((a != b) and (c < d)) and (e <= f))"),
    ("a > b or c >= d", "((a > b) or (c >= d))"),
    ("(a)", "a"),
    ("(a or b) and c", "((a or b) and c)"),
    ("f(a, g())", "f(a, g())"),
    ('f("l", a[b, c[d]])', 'f("l", a[b, c[d]])'),
    ("a in {b, 1}", "OneOf(operand=a, choices=('b', 1))"),
    ("not a in {b} and c", "((not OneOf(operand=a, choices=('b',))) and c)"),
    ("if a then b else c", "IfExpr(condition=a, then=b, otherwise=c)"),
    ("if a then b else c and d", "IfExpr(condition=a, then=b, otherwise=(c and d))"),
    ("if a then b else c implies d", "IfExpr(condition=a, then=b, otherwise=(c implies d))"),
    ("(if a then b else c) and d", "(IfExpr(condition=a, then=b, otherwise=c) and d)"),
    ("x = if a then b else c + 1", "(x = IfExpr(condition=a, then=b, otherwise=(c + 1)))"),
    (
        "if a then if b then c else d else e",
        "IfExpr(condition=a, then=IfExpr(condition=b, then=c, otherwise=d), otherwise=e)",
    ),
    (
        "all p: S, q: T where p != q { a or b }",
        "Quantified(kind=all, binders=('p: S', 'q: T'), where=(p != q), body=(a or b))",
    ),
    ("some p: S { a } and b", "(Quantified(kind=some, binders=('p: S',), body=a) and b)"),
    ("p has a and b", "(HasExpr(place=p, term=a) and b)"),
    ("not p[x] has f(a)", "(not HasExpr(place=p[x], term=f(a)))"),
    ("p yields a", "YieldsExpr(places=('p',), term=a)"),
    ("(p) yields a", "YieldsExpr(places=('p',), term=a)"),
    ("(p, q[x]) yields a or b", "(YieldsExpr(places=('p', 'q[x]'), term=a) or b)"),
    ("a recoverable", "RecoverableExpr(term=a, mode=anywhere)"),
    ("a recoverable from p", "RecoverableExpr(term=a, mode=from, places=('p',))"),
    ("a recoverable from (p, q)", "RecoverableExpr(term=a, mode=from, places=('p', 'q'))"),
    ("f(a) recoverable except (p[x]) and b", "(RecoverableExpr(term=f(a), mode=except, places=('p[x]',)) and b)"),
    ("attacker knows f(a) and b", "(KnowsExpr(term=f(a)) and b)"),
    ("not attacker knows a", "(not KnowsExpr(term=a))"),
    ("once did a", "(once DidExpr(action=a, bracketed=False))"),
    ("did a[x, _, y]", "DidExpr(action=a, args=('x', None, 'y'), bracketed=True)"),
    ("true and false or none = any", "((true and false) or (none = any))"),
    ("tpm.seed[a.b.c]", "tpm.seed[a.b.c]"),
]


@pytest.mark.parametrize(("text", "node"), PRECEDENCE, ids=[text for text, _ in PRECEDENCE])
def test_expression(text, node):
    assert expr(text) == node


EFFECTS = [
    ("s := a", "AssignEffect(target=s, value=a)"),
    ("s[x] := if a then b else c", "AssignEffect(target=s[x], value=IfExpr(condition=a, then=b, otherwise=c))"),
    ("p gains a", "GainsEffect(place=p, term=a)"),
    ("p gains a using q, r[x]", "GainsEffect(place=p, term=a, sources=Sources(ideal=False, places=('q', 'r[x]')))"),
    ("p gains a ideal", "GainsEffect(place=p, term=a, sources=Sources(ideal=True))"),
    ("p gains all of q[x]", "GainsAllEffect(place=p, origin=q[x])"),
    ("p loses f(a)", "LosesEffect(place=p, term=f(a))"),
    (
        "p becomes {a, b} using q",
        "BecomesEffect(place=p, terms=('a', 'b'), sources=Sources(ideal=False, places=('q',)))",
    ),
    ("p becomes {a}", "BecomesEffect(place=p, terms=('a',))"),
    ("p becomes {}", "BecomesEffect(place=p)"),
    ("clear p[x]", "BecomesEffect(place=p[x])"),
    ("p becomes q", "CopiesEffect(place=p, origin=q)"),
    (
        "leaks a using p, q to c and d[x]",
        "LeaksEffect(term=a, sources=Sources(ideal=False, places=('p', 'q')), capabilities=('c', 'd[x]'))",
    ),
    ("leaks a to c", "LeaksEffect(term=a, capabilities=('c',))"),
    ("for x: S { clear p }", "ForEffect(binders=('x: S',), body=('BecomesEffect(place=p)',))"),
    (
        "for x: S, y: T where a { clear p; clear q; }",
        "ForEffect(binders=('x: S', 'y: T'), where=a, body=('BecomesEffect(place=p)', 'BecomesEffect(place=q)'))",
    ),
    ("if a { clear p }", "IfEffect(condition=a, then=('BecomesEffect(place=p)',))"),
    ("if a { } else { clear p }", "IfEffect(condition=a, otherwise=('BecomesEffect(place=p)',))"),
    (
        "if a { clear p } else if b { clear q } else { clear r }",
        "IfEffect(condition=a, then=('BecomesEffect(place=p)',), otherwise=(\"IfEffect(condition=b, "
        "then=('BecomesEffect(place=q)',), otherwise=('BecomesEffect(place=r)',))\",))",
    ),
]


@pytest.mark.parametrize(("text", "node"), EFFECTS, ids=[text for text, _ in EFFECTS])
def test_effect(text, node):
    assert effects(text) == (node,)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("clear p; clear q", 2),
        ("clear p; clear q;", 2),
        ("if a { clear p } clear q", 2),
        ("if a { clear p }; clear q;", 2),
        ("clear p; for x: S { } if a { } else { }", 3),
        ("clear p; status := a; value[x] gains t; source becomes q; cost loses t", 5),
    ],
)
def test_effects_end_with_semicolons_and_blocks_need_none(text, count):
    assert len(effects(text)) == count
    assert len(effects(f"for x: S {{ {text} }}")[0].split("Effect(")) >= count
    assert effects(f'{text} source "s" status claimed') == effects(text)


def test_texts_have_their_escapes_resolved():
    (declaration,) = read(r'sort S = a "say \"hi\" \\ \n."').declarations
    assert declaration.notes.title.text == 'say "hi" \\ \n.'


# Words


def test_soft_words_are_names():
    """Words that open a note or a clause are names wherever a name may stand."""
    soft = (
        "value cost source status holds broken at evidence ref cwe severity event power inside volatile starts with to"
    )
    for word in soft.split():
        text = (
            f"sort {word} = {word} | b\nstate {word}[{word}: {word}] : {word} | c = {word}\n"
            f"action {word}[{word}: {word}] by {word} when {word}[{word}] = {word} and did {word}[{word}]\n"
            f"  then {word}[{word}] := {word}; {word} gains {word}({word}) using {word}\n"
            f"check {word}({word}) as {word}\n"
            f"property {word}({word}: {word}) for {word}: {word} never {word} has {word}"
        )
        assert len(read(text).declarations) == 5, word


@pytest.mark.parametrize("word", DECLARATIONS)
def test_word_of_a_declaration_behind_a_colon_is_a_kind(word):
    (declaration,) = read(f"property p(x[T]: {word}, y: {word}) never x").declarations
    assert [binder.sort.text for binder in declaration.params] == [word, word]


@pytest.mark.parametrize("word", [*DECLARATIONS, "not", "if", "has", "true", "none", "attacker", "for", "when"])
def test_reserved_word_is_no_name(word):
    for text in (f"state {word} : a | b = a", f"sort S = a | {word}", f"action a[{word}: S] by c"):
        file, errors = parse(Source("m.kf", f"{text}\nsort Z = z"))
        assert [(e.code, e.span.text) for e in errors] == [("KF107", word)], text
        assert [d.name.text for d in file.declarations] == ["Z"]


def test_every_word_of_the_grammar_is_known_to_the_messages():
    text = resources.files("keyfate.language").joinpath("grammar.lark").read_text(encoding="utf-8")
    keywords = {t.pattern.value for t in Lark(text, parser="lalr").terminals if t.pattern and t.pattern.value.isalpha()}
    assert set(DECLARATIONS) <= keywords
    assert set(expecting.SHAPES) == set(DECLARATIONS)


@pytest.mark.parametrize("keyword", DECLARATIONS)
def test_shape_shown_in_help_is_itself_right(keyword):
    for shape in expecting.SHAPES[keyword].split("` or `"):
        text = shape.replace(", …)", ")").replace("EFFECT; EFFECT", "clear a; clear b")
        assert len(read(text).declarations) == (2 if keyword in ("secret", "public") else 1)


def test_only_the_branch_behind_else_leaves_a_choice_to_the_parser(caplog):
    """Every other ambiguity would be a construct that two readers read in two ways."""
    text = resources.files("keyfate.language").joinpath("grammar.lark").read_text(encoding="utf-8")
    conditional = '    | "if" expr "then" expr "else" expr               -> if_expr\n'
    assert conditional in text
    logger.setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger.name)
    logger.addHandler(caplog.handler)
    try:
        Lark(text.replace(conditional, ""), parser="lalr", debug=True)
        assert [r.message for r in caplog.records if "conflict" in r.message] == []
        Lark(text, parser="lalr", debug=True)
        assert any("conflict" in r.message for r in caplog.records), "conflicts are no longer logged"
    finally:
        logger.removeHandler(caplog.handler)
        logger.setLevel(logging.CRITICAL)


# Spans


def test_spans_are_the_words_that_made_the_node():
    for node in inside(read(SAMPLE).declarations):
        if isinstance(node, syntax.Word):
            assert node.span.text == node.text
        elif isinstance(node, syntax.Number):
            assert node.span.text == str(node.value)
        elif isinstance(node, syntax.Text):
            assert node.span.text == '"' + node.text.replace('"', '\\"') + '"'


def test_spans_of_inner_nodes_lie_in_those_of_outer_ones():
    for outer in inside(read(SAMPLE).declarations):
        for inner in inside(outer):
            if hasattr(outer, "span") and hasattr(inner, "span"):
                assert outer.span.start <= inner.span.start < inner.span.end <= outer.span.end


def test_text_of_a_span_reads_as_the_same_node():
    seen = 0
    for node in inside(read(SAMPLE).declarations):
        if isinstance(node, get_args(syntax.Expr)):
            assert expr(node.span.text) == plain(node)
            seen += 1
        elif isinstance(node, get_args(syntax.Effect)) and node.span.text.split()[0] != "else":
            assert effects(node.span.text) == (plain(node),)
            seen += 1
    assert seen > 100


def test_lines_and_columns_count_from_one_with_any_line_end():
    for end in ("\n", "\r\n"):
        (first, second) = read(f"\ufeffsort S = a{end}-- note{end}  sort T = b{end}").declarations
        assert (first.span.line, second.span.line, second.span.column) == (1, 3, 3)


@pytest.mark.parametrize("text", ["", "\n\n", "-- only a comment", "\ufeff", "\ufeff\r\n -- x\r\n\t"])
def test_file_without_declarations(text):
    file, errors = parse(Source("m.kf", text))
    assert (file.declarations, file.unread, errors) == ((), (), ())
    assert file.span.text == text


# Errors

ERRORS = [
    ("lifecyle foo", "KF108", "lifecyle", "expected a declaration", "did you mean `lifecycle`?"),
    ("42", "KF108", "42", "expected a declaration", "begins with `lifecycle`"),
    ("sort S = a | | b", "KF101", "|", "expected a name, found `|`", "sort NAME = a | b"),
    ("sort S =", "KF101", "=", "expected a name or a number behind `=`", "sort NAME = 0 .. 3"),
    ("sort S", "KF101", "S", "expected `=` behind `S`", "sort NAME"),
    ("sort S = 0 ... 3", "KF104", "...", "means nothing here", "`0 .. 3`"),
    ("sort", "KF101", "sort", "expected a name behind `sort`", "sort NAME"),
    ("sort a.b = c", "KF107", "a.b", "cannot be declared", "included file"),
    ("control c : a || b", "KF104", "||", "means nothing here", "`or`"),
    ('control c "d" : a', "KF101", '"d"', "expected `:`", "control NAME[SORT] : a | b"),
    ('action a by host "d" when true', "KF101", "when", "expected a description", "`when` stands before the text"),
    ("component c", "KF101", "c", "expected `inside` or `outside` behind `c`", "inside"),
    ("component c insde", "KF101", "insde", "expected `inside` or `outside`", "did you mean `inside`?"),
    ('secret a[S "d"', "KF101", '"d"', "expected `,` or `]`", "secret NAME"),
    ("place p at host", "KF101", "at", "expected `persistent` or `volatile`", "place NAME"),
    ("state s : a | b = a severity low", "KF109", "severity low", "a `state` has no `severity`", "description"),
    ("action a by c cost 1", "KF109", "cost 1", "an `action` has no `cost`", "`source`, `status`"),
    ('state s : a = a "x" "y"', "KF109", '"y"', "a second description", "keep one"),
    ("check p severity low severity high", "KF109", "severity high", "a second `severity`", "keep one"),
    ("action a when b", "KF101", "when", "expected `by` or a description", "action NAME"),
    ("action a by c whne b", "KF101", "whne", "`when`", "did you mean `when`?"),
    ("action a by c when b == d", "KF104", "==", "means nothing here", "equality is written `=`"),
    ("action a by c when then clear p", "KF101", "then", "expected an expression", "an expression is"),
    ("action a by c then", "KF101", "then", "expected an effect behind `then`", "an effect is"),
    ("action a by c then s = b", "KF101", "=", "expected `:=`", "an assignment is written `:=`"),
    ("action a by c then lekas t using p", "KF101", "t", "expected `:=`", "did you mean `leaks` instead of `lekas`?"),
    ("action a by c then p gians t", "KF101", "gians", "expected `:=`", "did you mean `gains`?"),
    ("action a by c then clear p clear q", "KF101", "clear", "expected `;`", "separated by `;`"),
    (
        "action a by c then p gains using q",
        "KF101",
        "using",
        "expected an expression, found `using`",
        "an expression is",
    ),
    ("action a by c then p becomes {t", "KF101", "t", "expected `,`, `}` or an operator", "joined by"),
    ("action a by c then clear p } else", "KF101", "}", "found `}`", "action NAME"),
    ("def d = a = b = c", "KF101", "=", "found `=`", "a comparison has two sides"),
    ("def d = a and", "KF101", "and", "expected an expression behind `and`", "an expression is"),
    ("def d = f(a, [b)", "KF101", "[", "expected an expression, found `[`", "an expression is"),
    ("def d = (a = b) has c", "KF110", "(a = b)", "`has` is about places", "name a place"),
    ("def d = (a, f(b)) yields c", "KF110", "f(b)", "`yields` is about places", "name a place"),
    ("def d = if a then b", "KF101", "b", "expected `else` or an operator", "joined by"),
    ("def d = a b", "KF101", "b", "expected an operator, a description or the next declaration", "def NAME"),
    ("def d = a -> b", "KF104", "->", "means nothing here", "`implies`"),
    ("def d = !a", "KF104", "!", "means nothing here", "`not`"),
    ("def d = a ≠ b", "KF104", "≠", "means nothing here", "`!=`"),
    ("def d = 'a b'", "KF104", "'a b'", "means nothing here", "double quotes"),
    ("def é = a", "KF104", "é", "means nothing here", "letters a to z"),
    ("def d = 3x", "KF104", "3x", "neither a number nor a name", "begins with a letter"),
    ("def d = 1234567890", "KF104", "1234567890", "too large", "nine digits"),
    ('def d = "open', "KF102", '"open', "no closing quote", "ends on the line"),
    ('def d = "open\\"', "KF102", '"open\\"', "no closing quote", "ends on the line"),
    ('def d = "open\\', "KF102", '"open\\', "no closing quote", "ends on the line"),
    ('def d = "a\\qb"', "KF103", "\\q", "means nothing in a text", "\\n"),
    ("# a comment", "KF104", "#", "means nothing here", "`--`"),
    ("def d = a\x00", "KF105", "\x00", "U+0000", "invisible"),
    ('def d = a "\x1b[31m"', "KF105", "\x1b", "U+001B", "invisible"),
    ("def d = a -- \u202e", "KF105", "\u202e", "U+202E", "invisible"),
    ("def d = \ra", "KF105", "\r", "U+000D", "carriage return"),
]


@pytest.mark.parametrize(("text", "code", "words", "message", "help_"), ERRORS, ids=[repr(row[0]) for row in ERRORS])
def test_error(text, code, words, message, help_):
    before = "" if code == "KF108" else "sort A = a\n"
    file, (error,) = parse(Source("m.kf", f"{before}{text}\nsort Z = z"))
    assert file.declarations[-1].name.text == "Z"
    assert (error.code, error.span.text) == (code, words)
    assert message in error.message
    assert help_ in error.help
    assert error.severity == "error"


def test_bracket_left_open_is_shown():
    _, (error,) = parse(Source("m.kf", "def d = f(a, (b or c)\ndef e = [a)"[:22]))
    assert [(label.span.start, label.span.text) for label in error.labels] == [(9, "(")]
    _, (error,) = parse(Source("m.kf", "def d = f(a[b)"))
    assert [(label.span.start, label.span.text) for label in error.labels] == [(11, "[")]


def test_all_errors_of_a_file_at_once_and_the_rest_is_read():
    text = 'sort A = a\nsort B = |\nstate s ; a\nsort C = c\nsecret x, y[ "d", z\nsort D = d "open\nsort E = e'
    file, errors = parse(Source("m.kf", text))
    assert [d.name.text for d in file.declarations] == ["A", "C", "E"]
    assert [(e.code, e.span.line) for e in errors] == [("KF101", 2), ("KF101", 3), ("KF101", 5), ("KF102", 6)]
    assert [(w.text, w.span.text) for w in file.unread] == [(n, n) for n in ("B", "s", "x", "y", "D")]


@pytest.mark.parametrize("word", ["all", "not", "if", "has"])
def test_reserved_word_as_a_value_is_reported_where_it_is_declared(word):
    text = (
        f"property p never c = {word} and d\ncontrol c : a | {word}\naction e by r when c = {word} then s := a\nkey k ="
    )
    _, errors = parse(Source("m.kf", text))
    assert [(e.code, e.span.line) for e in errors] == [("KF107", 2), (errors[-1].code, 4)]


def test_reserved_word_as_a_name_is_one_error():
    """Though the word begins a declaration: not one error for what is before it and one for what is behind."""
    text = "state key[S] : a | b = a\naction check by c\naction e by c then state := a\nsort Z = z"
    file, errors = parse(Source("m.kf", text))
    assert [(e.code, e.span.text) for e in errors] == [("KF107", "key"), ("KF107", "check"), ("KF107", "state")]
    assert [plain(d.name) for d in file.declarations] == ["Z"]
    file, errors = parse(Source("m.kf", "state\nsort Z = z"))
    assert [(e.code, e.span.text) for e in errors] == [("KF101", "state")]
    file, errors = parse(Source("m.kf", "sort S = sort T = a"))
    assert [(e.code, e.span.start) for e in errors] == [("KF107", 9)]
    assert [plain(d.name) for d in file.declarations] == ["T"]


# Whatever the text


def check_whatever(text: str) -> None:
    source = Source("m.kf", text)
    file, errors = parse(source)
    for error in errors:
        for span in (error.span, *(label.span for label in error.labels)):
            assert 0 <= span.start <= span.end <= len(text)
        assert error.help
    assert all(char.isprintable() or char == "\n" for char in render(errors))
    assert parse(source) == (file, errors)
    if not errors:
        assert file.unread == ()


@given(st.text())
def test_any_text_is_read_or_refused(text):
    check_whatever(text)


_PIECES = sorted(set(re.findall(r'"[^"]*"|[\w.]+|[^\w\s]+', SAMPLE)) | set(DECLARATIONS))


@given(st.lists(st.sampled_from([*_PIECES, "\n", '"', "\\", "\x00", "é"]), max_size=60))
def test_any_mixture_of_words_is_read_or_refused(words):
    check_whatever(" ".join(words))


@given(st.data())
def test_any_damaged_file_is_read_or_refused(data):
    text = SAMPLE
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.sampled_from([0, 1, 3, 10, 200])))
        put = data.draw(st.one_of(st.just(""), st.sampled_from(_PIECES).map(" {} ".format), st.text(max_size=3)))
        text = text[:start] + put + text[end:]
    check_whatever(text)


@given(st.integers(0, len(SAMPLE)))
def test_any_file_cut_off_is_read_or_refused(end):
    check_whatever(SAMPLE[:end])


@given(st.data())
def test_one_damaged_declaration_leaves_the_others_whole(data):
    """What begins with its own keyword is read, whatever stands before it."""
    whole = [d for d in read(SAMPLE).declarations if not isinstance(d, syntax.AtomDecl)]
    victim = data.draw(st.sampled_from(whole))
    at = data.draw(st.integers(victim.span.start + len(victim.span.text.split()[0]), victim.span.end))
    put = data.draw(st.sampled_from([" ? ", " ) ", " := ", " 9 ", " of ", ' "']))
    file, _ = parse(Source("m.kf", SAMPLE[:at] + put + SAMPLE[at:]))
    read_now = {str(plain(d)) for d in file.declarations}
    assert {str(plain(d)) for d in whole if d is not victim} <= read_now
