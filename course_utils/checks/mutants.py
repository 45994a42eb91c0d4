"""What a wrong answer behaves like: the right formula with one small thing changed, or two.

The right form of a question is taken as a tree, and each entry of the tables below changes it in one place: a term is
left out, a sign turned round, a name exchanged for another. The mutant that answers every case as the learner does
says what the learner's code does, whatever it looks like. It is told in the formula's symbols, and never as a line.

A mutant is our own code and runs where the checks run; of a learner only the answers are needed.
"""

import ast
import builtins
import functools
import inspect
import itertools
import time

import numpy as np

from course_utils.checks import guard

SECONDS = 0.35  # for all mutants of a question together: first single ones, then pairs
MANY = 150  # mutants: of more, only the likely ones come in pairs
TICKS = 16  # turns of a mutant's `while` loops in one call: some would never end, or make whole numbers of any length

# kind -> what is said of a mutant: x, y are symbols of the formula, place says where, as in "in `v`". Where several
# come to the same, those that stand first are told: what is done when, before what is computed.
WORDS = {
    "never": "what should happen under a condition never happens {place}",
    "always": "what should happen under a condition always happens {place}",
    "skipped": "the line that changes {x} is left out",
    "returned_old": "the state that is returned still holds the old {x}",
    "returned_zero": "the state that is returned holds 0 in the place of {x}, so that it begins anew in every step",
    "returned_other": "the state that is returned holds {y} in the place of {x}",
    "stale": "{x} is still the one from before this step {place}",
    "order": "{x} is computed before {y}, and not after it",
    "shifted": "{x} is one too {y} {place}",
    "term": "{x} is left out {place}",
    "sign": "the sign of {x} is turned round {place}",
    "factor": "{x} is left out as a factor {place}",
    "divisor": "the division by {x} is left out {place}",
    "inverse": "{x} {y} {place}",
    "flipped": "a fraction is upside down {place}",
    "root": "the root of {x} is not taken {place}",
    "square": "{x} is not squared {place}",
    "power": "the power of {x} is left out {place}",
    "powered": "{x} is {y} {place}, and should not be",
    "absolute": "the absolute value of {x} stands where its square belongs {place}",
    "eps_inside": "`eps` stands inside the root {place}",
    "eps_outside": "`eps` stands outside the root {place}",
    "multiplied": "{x} is multiplied by {y} {place}, and should not be",
    "brackets": "brackets are missing around {x} {place}",
    "name": "{y} stands where {x} belongs {place}",
    "exchanged": "{x} and {y} are exchanged",
    "number": "{y} stands where the number {x} belongs {place}",
    "comparison": "{y} stands where {x} belongs {place}",
    "shared": "all components share one number: the {y} of {x} {place}",
    "reduction": "{y} stands where {x} belongs {place}",
    "axis": "a sum, a mean or the like runs over another axis {place}",
    "bracketed": "{x} multiplies too much {place}: brackets are in the wrong place",
    "call": "{x} is left out {place}",
}

# a function or method -> others that learners take for it
ALIKE = {
    "mean": ("sum", "max", "median"),
    "sum": ("mean", "max", "prod"),
    "max": ("min", "mean", "sum"),
    "maximum": ("minimum",),
    "std": ("var",),
    "argmax": ("argmin", "max"),
    "ceil": ("floor", "round"),
    "log": ("log10", "log2", "log1p"),
    "log10": ("log", "log2"),
    "cos": ("sin",),
    "sqrt": ("abs",),
    "nanmean": ("mean",),
}
# their names in a sentence, where it is not the name itself
CALLED = {
    "median": "a median",
    "max": "the largest",
    "min": "the smallest",
    "sum": "a sum",
    "mean": "a mean",
    "prod": "a product",
}
COMPARED = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
MIRRORED = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
WIDENED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
SWITCHED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
LATE = (
    "multiplied",
    "powered",
    "shared",
    "name",
    "number",
    "returned_other",
    "order",
)  # what is less likely: tried last


class Mutant:
    """One change of the tree: what to say of it, and the fields of nodes that get other values."""

    def __init__(self, kind, place, changes, **symbols):
        self.kind, self.place, self.changes = kind, place, changes
        self.words = " ".join(WORDS[kind].format(place=place, **symbols).split()).replace(" :", ":").replace(" ,", ",")

    def switch(self):
        """Put the other values in; called once more, the first ones again."""
        for change in self.changes:
            holder, field, value = change
            if isinstance(field, int):
                change[2], holder[field] = holder[field], value
            else:
                change[2] = getattr(holder, field)
                setattr(holder, field, value)


class Form:
    """The right form of a question, and all mutants of it.

    Each statement of the form is compiled by itself, so that a mutant, and a pair of them, costs what it changes.
    """

    def __init__(self, name, source, names):
        self.names = dict(names) | {"np": np, "_tick": self._tick, "__builtins__": builtins}
        tree = ast.parse(source)
        (function,) = [part for part in tree.body if getattr(part, "name", None) == name]
        before = [part for part in tree.body if part is not function]
        self.ticks = 0
        self.mutants = _mutants(tree)
        if before:  # a class, say, on which the function stands
            self.body = [*before, function, _returned(ast.parse(_call_of(function)).body[0].value)]
        else:
            self.body = function.body
            for i, part in enumerate(self.body):
                if isinstance(part, ast.Return):
                    self.body[i] = _returned(part.value)
                    for change in [change for mutant in self.mutants for change in mutant.changes]:
                        change[0] = self.body[i] if change[0] is part else change[0]
                assert not any(isinstance(node, ast.Return) for node in ast.walk(self.body[i])), name
        self.arguments = [a.arg for a in (*function.args.args, *function.args.kwonlyargs)]
        defaults = [*zip(reversed(function.args.args), reversed(function.args.defaults), strict=False)]
        defaults += [(a, d) for a, d in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True) if d]
        self.defaults = {a.arg: eval(compile(ast.Expression(d), name, "eval"), self.names) for a, d in defaults}
        if "state" in self.defaults:  # floats: a whole number that is squared in every step soon has millions of digits
            self.defaults["state"] = tuple(map(float, self.defaults["state"]))
        self.owner = {}  # id of a node, or of a list of nodes -> the place of the statement that it stands in
        for i, part in enumerate(self.body):
            for node in ast.walk(part):
                self.owner[id(node)] = i
                for _, value in ast.iter_fields(node):
                    if isinstance(value, list):
                        self.owner[id(value)] = i
        self.codes = [self._compiled(i) for i in range(len(self.body))]
        self.of_mutants = {}

    def _tick(self):
        self.ticks += 1
        if self.ticks > TICKS:
            raise RuntimeError("no end")

    def _compiled(self, i):
        return compile(ast.Module([self.body[i]], []), __file__, "exec")

    def _changed(self, mutants):
        """Place -> code of the statements that these mutants change."""
        if mutants not in self.of_mutants:
            changes = [change for mutant in mutants for change in mutant.changes]
            places = {field if holder is self.body else self.owner[id(holder)] for holder, field, _ in changes}
            for mutant in mutants:
                mutant.switch()
            try:
                self.of_mutants[mutants] = {i: self._compiled(i) for i in places}
            finally:
                for mutant in reversed(mutants):
                    mutant.switch()
        return self.of_mutants[mutants]

    def function(self, *mutants):
        """The form with these changes."""
        codes, changed = list(self.codes), [self._changed((mutant,)) for mutant in mutants]
        if len(changed) == 2 and changed[0].keys() & changed[1].keys():
            changed = [self._changed(mutants)]
        for part in changed:
            for i, code in part.items():
                codes[i] = code

        def mutant(*args, **kwargs):
            self.ticks = 0
            names = self.names | self.defaults | dict(zip(self.arguments, args, strict=False)) | kwargs
            for code in codes:
                exec(code, names)
            return names["_returned"]

        return mutant


def _returned(value):
    """What a function returns, kept under a name."""
    kept = ast.Assign([ast.Name("_returned", ast.Store())], value)
    return ast.fix_missing_locations(_node(kept))


def _call_of(function):
    return f"{function.name}({', '.join(a.arg for a in function.args.args)})"


@guard.uncollected()
def likeness(forms, first, fits, pairs=True, seconds=None):
    """The sentence on what an answer behaves like; None if no mutant answers as it does.

    forms: of :class:`Form`; first: says of a mutant's function, quickly, whether it may fit; fits: whether it does.
    """
    seconds = SECONDS if seconds is None else seconds
    # of this process, for another one's work is no reason to say less; by the clock half as long again
    until, at_most = time.process_time() + seconds, time.monotonic() + 1.5 * seconds

    def is_late():
        return time.process_time() > until or time.monotonic() > at_most

    def fitting(*mutants):
        try:
            function = form.function(*mutants)
            return first(function) and fits(form.function(*mutants))
        except Exception:  # a mutant that cannot answer is no answer
            return False

    for form in forms:
        found = []
        for mutant in form.mutants:
            if is_late():
                break
            if fitting(mutant):
                found.append((mutant,))
        if found:
            return _told(found)
    for form in forms if pairs else ():
        # the likely ones alone where there are many; the sum of the two places grows
        likely = form.mutants
        if len(likely) > MANY:
            likely = [mutant for mutant in likely if mutant.kind not in LATE]
        for total in range(1, 2 * len(likely)):
            for i in range(max(0, total - len(likely) + 1), (total + 1) // 2):
                if is_late():
                    return None
                if fitting(likely[i], likely[total - i]):
                    return _told([(likely[i], likely[total - i])])
    return None


def _told(found):
    """A sentence on what fits: on two ways to say it, where several changes come to the same."""
    if len(found[0]) > 1:
        return f"Two things differ: your answers are what comes out when {' and '.join(m.words for m in found[0])}."
    order = list(WORDS)
    ways = sorted((mutant for (mutant,) in found), key=lambda mutant: order.index(mutant.kind))
    first = ways[0]
    other = next((mutant for mutant in ways if mutant.kind != first.kind), None)
    other = other or next((mutant for mutant in ways if mutant.place != first.place), None)
    also = f"; or, which comes to the same, when {other.words}" if other else ""
    return f"Your answers are what comes out when {first.words}{also}."


# ---- making the mutants


def _mutants(tree):
    """All single changes of the functions in the tree, the likely ones first."""
    made = []
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        made += _Maker(function).made
    return sorted(made, key=lambda mutant: mutant.kind in LATE)


def _name(name):
    return ast.Name(name, ast.Load(), lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)


def _number(value):
    return ast.Constant(value, lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)


def _node(made):
    """A new node with a place in the source, which compiling wants."""
    for node in ast.walk(made):
        if "lineno" in node._attributes and not hasattr(node, "lineno"):
            node.lineno = node.end_lineno = 1
            node.col_offset = node.end_col_offset = 0
    return made


def _op(left, kind, right):
    return _node(ast.BinOp(left, kind(), right))


def _of_numpy(name, *arguments):
    return _node(ast.Call(ast.Attribute(_name("np"), name, ast.Load()), list(arguments), []))


def _is(node, value):
    return isinstance(node, ast.Constant) and node.value == value and not isinstance(node.value, bool)


def _is_root(node):
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and _is(node.right, 0.5)


# a name of ours in a form -> what a learner calls it
MEANT = {
    "shifted": "the exponentials",
    "raw": "the gradient as it came",  # of a rule that a variant changes
    "changed": "the changed gradient",
    "old": "`p`",
    "along": "s.y",
    "last": "the old g",
    "rate": "the rate",
    "most": "the largest v",
    "shares": "the shares",
    "shrink": "the ratio of two steps",
    "decades": "log10 of the rates",
    "fine": "the fine grid",
    "inside": "what lies above the line",
    "best": "the choice",
    "read": "what was read",
}


def _symbol(name):
    return MEANT.get(name, f"`{name}`")


def _said(node):
    """An expression in words: its symbols, not how they are joined."""
    if isinstance(node, ast.Name):
        return _symbol(node.id)
    if isinstance(node, ast.Attribute) and not isinstance(node.value, ast.Call):
        return f"`{ast.unparse(node).removeprefix('self.')}`"
    if isinstance(node, ast.Constant):
        return f"{node.value:g}" if isinstance(node.value, (int, float)) else f"`{node.value!r}`"
    if isinstance(node, ast.UnaryOp):
        return _said(node.operand)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and _is(node.left, 1):
        if isinstance(node.right, ast.Name):
            return f"`1 - {node.right.id}`"
        if isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.Pow):
            return f"1 minus {_said(node.right)}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        power = {2: "the square of", 0.5: "the root of"}.get(getattr(node.right, "value", None), "the power of")
        return f"{power} {_said(node.left)}"
    symbols = list(
        dict.fromkeys(
            part.id if isinstance(part, ast.Name) else part.attr
            for part in ast.walk(node)
            if (isinstance(part, ast.Name) and part.id not in ("np", "self", "len", "float", "sum", "int", "range"))
            or (isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self")
        )
    )
    if not symbols:
        return f"`{ast.unparse(node)}`"
    shown = [_symbol(symbol) for symbol in symbols]
    return "the part with " + (shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}")


class _Maker:
    """Collects the mutants of one function."""

    def __init__(self, function):
        self.made, self.function = [], function
        arguments = function.args
        self.hyper = [a.arg for a in arguments.kwonlyargs]
        self.given = [a.arg for a in arguments.args if a.arg not in ("state", "self")]
        self.is_rule = any(a.arg == "state" for a in arguments.args)
        self.state = []
        if self.is_rule:
            self._remember()
        self.locals = list(
            dict.fromkeys(
                node.id
                for node in ast.walk(function)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and not node.id.startswith("_")
            )
        )
        self._block(function.body)
        if self.is_rule:
            self._stale()
        self._exchange()

    def _remember(self):
        """Keep what the state was, so that a mutant may use it later."""
        for place, statement in enumerate(self.function.body):
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Name):
                if statement.value.id == "state" and isinstance(statement.targets[0], ast.Tuple):
                    self.state = [target.id for target in statement.targets[0].elts]
                    old = [ast.parse(f"_old_{name} = {name}").body[0] for name in self.state]
                    self.function.body[place + 1 : place + 1] = old
                    return

    def add(self, kind, place, *changes, **symbols):
        self.made.append(Mutant(kind, place, [list(change) for change in changes], **symbols))

    # -- statements

    def _block(self, body):
        for i, statement in enumerate(body):
            if isinstance(statement, (ast.Expr, ast.Pass, ast.FunctionDef)) and not self._is_call(statement):
                continue
            if isinstance(statement, ast.Assign) and self._targets(statement)[:1] == ["_old"]:
                continue
            place = self._place(statement)
            targets = self._targets(statement)
            if isinstance(statement, (ast.If, ast.While)):
                test = statement.test
                self._expression(statement, "test", "in the condition")
                if isinstance(statement, ast.If):
                    self.add("never", "", (statement, "test", _number(False)))
                    self.add("always", "", (statement, "test", _number(True)))
                else:
                    tick = ast.parse("_tick()").body[0]
                    statement.body.insert(0, tick)
                del test
                self._block(statement.body)
                self._block(statement.orelse)
            elif isinstance(statement, ast.For):
                self._expression(statement, "iter", "in the loop")
                self._block(statement.body)
            elif isinstance(statement, ast.Return) and statement.value is not None:
                self._return(statement)
            elif isinstance(statement, (ast.Assign, ast.AugAssign)):
                self._expression(statement, "value", place)
                first = i == 0 or not self._was_set(targets[0], body[:i])
                if not first or isinstance(statement, ast.AugAssign):
                    self.add("skipped", "", (body, i, _node(ast.Pass())), x=_symbol(targets[0]))
                if isinstance(statement, ast.AugAssign) and type(statement.op) in SWITCHED:
                    switched = SWITCHED[type(statement.op)]()
                    self.add("sign", place, (statement, "op", switched), x=_said(statement.value))
                    whole = _node(ast.Assign([statement.target], statement.value))
                    self.add("term", place, (body, i, whole), x=f"the old {_symbol(targets[0])}")
                if i + 1 < len(body) and isinstance(body[i + 1], (ast.Assign, ast.AugAssign)):
                    later = self._targets(body[i + 1])[0]
                    if later != targets[0] and not later.startswith("_old"):
                        self.add(
                            "order",
                            "",
                            (body, i, body[i + 1]),
                            (body, i + 1, statement),
                            x=_symbol(later),
                            y=_symbol(targets[0]),
                        )
            elif isinstance(statement, ast.Expr):
                kept = isinstance(statement.value.func, ast.Attribute) and statement.value.func.attr == "append"
                self._expression(statement, "value", f"in `{ast.unparse(statement.value.func.value)}`" if kept else "")

    def _was_set(self, name, before):
        return name in self.given + self.state or any(name in self._targets(s) for s in before)

    @staticmethod
    def _is_call(statement):
        return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)

    @staticmethod
    def _targets(statement):
        targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
        if targets == [None]:
            return [""]
        first = targets[0]
        parts = first.elts if isinstance(first, ast.Tuple) else [first]
        names = []
        for part in parts:
            while isinstance(part, ast.Subscript):
                part = part.value
            text = ast.unparse(part).removeprefix("self.")
            names.append("_old" if text.startswith("_old_") else text)
        return names

    def _place(self, statement):
        names = self._targets(statement)
        return f"in {_symbol(names[0])}" if names[0] else ""

    def _return(self, statement):
        value = statement.value
        if not self.is_rule or not isinstance(value, ast.Tuple) or len(value.elts) != 2:
            if isinstance(value, ast.Tuple):
                for i in range(len(value.elts)):
                    self._expression(value.elts, i, f"in number {i + 1} of what is returned")
            else:
                self._expression(statement, "value", "in the result")
            return
        self._expression(value.elts, 0, "in the update")
        state = value.elts[1]
        if not isinstance(state, ast.Tuple):
            return
        for i, entry in enumerate(state.elts):
            name = self.state[i] if i < len(self.state) else ast.unparse(entry)
            if not isinstance(entry, ast.Name):
                self._expression(state.elts, i, f"in the `{name}` that is returned")
            if i < len(self.state):
                self.add("returned_old", "", (state.elts, i, _name(f"_old_{name}")), x=_symbol(name))
            self.add("returned_zero", "", (state.elts, i, _number(0.0)), x=_symbol(name))
            for other in dict.fromkeys([*self.given, *self.locals]):
                if not isinstance(entry, ast.Name) or other != entry.id:
                    self.add("returned_other", "", (state.elts, i, _name(other)), x=_symbol(name), y=_symbol(other))
            if isinstance(entry, ast.Name):
                root = _op(entry, ast.Pow, _number(0.5))
                self.add("returned_other", "", (state.elts, i, root), x=f"`{name}`", y=f"the root of `{name}`")

    def _stale(self):
        """Every later use of what the state was, at once or one at a time."""
        for name in self.state:
            uses, changed, at_once = [], False, []
            for statement in self.function.body:
                if self._targets(statement)[:1] == ["_old"]:
                    continue
                if changed:
                    uses += [(statement, *use) for use in self._uses(statement, name)]
                if name in self._targets(statement) and isinstance(statement, (ast.Assign, ast.AugAssign)):
                    if not (isinstance(statement.value, ast.Name) and statement.value.id == "state"):
                        changed = True
            for statement, holder, field in uses:
                is_state = isinstance(statement, ast.Return) and self._in_state(statement, holder, field)
                if is_state:
                    continue
                at_once.append((holder, field, _name(f"_old_{name}")))
                place = "in the update" if isinstance(statement, ast.Return) else self._place(statement)
                self.add("stale", place, at_once[-1], x=f"`{name}`")
            if len(at_once) > 1:
                self.add("stale", "", *at_once, x=f"`{name}`")

    @staticmethod
    def _in_state(statement, holder, field):
        value = statement.value
        if not isinstance(value, ast.Tuple) or len(value.elts) != 2:
            return False
        inside = {id(node) for node in ast.walk(value.elts[1])}
        node = holder[field] if isinstance(field, int) else getattr(holder, field)
        return id(node) in inside

    @staticmethod
    def _uses(tree, name):
        for node in ast.walk(tree):
            for field, value in ast.iter_fields(node):
                for i, entry in enumerate(value) if isinstance(value, list) else [(None, value)]:
                    if isinstance(entry, ast.Name) and entry.id == name and isinstance(entry.ctx, ast.Load):
                        yield (node, field) if i is None else (value, i)

    def _exchange(self):
        """Two arguments, or two hyperparameters, in each other's place everywhere."""
        for group in (self.hyper, self.given):
            for one, other in itertools.combinations(group, 2):
                places = [(use, other) for use in self._uses(self.function, one)]
                places += [(use, one) for use in self._uses(self.function, other)]
                changes = [(holder, field, _name(to)) for (holder, field), to in places]
                self.add("exchanged", "", *changes, x=f"`{one}`", y=f"`{other}`")

    # -- expressions

    def _expression(self, holder, field, place):
        """The mutants of the expression that stands in ``field`` of ``holder``, and of all in it."""
        node = holder[field] if isinstance(field, int) else getattr(holder, field)

        def put(kind, new, **symbols):
            self.add(kind, place, (holder, field, new), **symbols)

        make = getattr(self, f"_{type(node).__name__.lower()}", None)
        if make:
            make(node, put, place)
        if isinstance(node, (ast.BinOp, ast.Call, ast.Subscript, ast.Name)) and not isinstance(
            getattr(node, "ctx", None), ast.Store
        ):
            if not (isinstance(node, ast.Name) and node.id in ("np", "self", "state")):
                put("powered", _op(node, ast.Pow, _number(2)), x=_said(node), y="squared")
                for name in self.hyper or self.given:
                    if name == getattr(node, "id", ""):
                        continue  # that is its square
                    if not isinstance(node, ast.Call) and (self.hyper or isinstance(node, ast.Name)):
                        put("multiplied", _op(node, ast.Mult, _name(name)), x=_said(node), y=f"`{name}`")
                put("powered", _of_numpy("sqrt", node), x=_said(node), y="under a root")
                if self.is_rule and isinstance(node, ast.BinOp):
                    for reduce in ("sum", "mean", "max"):
                        put("shared", _of_numpy(reduce, node), x=_said(node), y={"max": "largest"}.get(reduce, reduce))
        for name, value in ast.iter_fields(node):
            if name in ("func", "ctx", "op", "ops", "generators") and not isinstance(node, ast.Call):
                if name == "generators":
                    for generator in value:
                        self._expression(generator, "iter", place)
                continue
            if name == "func":
                if isinstance(value, ast.Attribute) and not isinstance(value.value, ast.Name):
                    self._expression(value, "value", place)
                continue
            if isinstance(value, list):
                for i, entry in enumerate(value):
                    if isinstance(entry, ast.keyword):
                        if entry.arg not in ("axis", "keepdims", "ddof", "nan", "return_inverse", "strict"):
                            self._expression(entry, "value", place)
                    elif isinstance(entry, ast.expr):
                        self._expression(value, i, place)
            elif isinstance(value, ast.expr):
                self._expression(node, name, place)

    def _binop(self, node, put, place):
        left, right, op = node.left, node.right, type(node.op)
        if op in (ast.Add, ast.Sub):
            self._sum(node, put, left, right, op)
        elif op in (ast.Mult, ast.MatMult):
            put("factor", right, x=_said(left))
            put("factor", left, x=_said(right))
            if op is ast.Mult:
                put("inverse", _op(left, ast.Div, right), x=_said(right), y="divides where it should multiply")
                put("inverse", _op(right, ast.Div, left), x=_said(left), y="divides where it should multiply")
                self._loose(put, left, right)
            else:
                put("order", _op(right, ast.MatMult, left), x=_said(right), y=_said(left))
        elif op in (ast.Div, ast.FloorDiv):
            put("divisor", left, x=_said(right))
            put("inverse", _op(left, ast.Mult, right), x=_said(right), y="multiplies where it should divide")
            put("flipped", _op(right, ast.Div, left))
            if not isinstance(left, ast.Constant):
                put("term", _op(_number(1.0), ast.Div, right), x=f"{_said(left)} above the fraction bar")
            if op is ast.FloorDiv:
                put("call", _op(left, ast.Div, right), x="rounding down")
            if isinstance(right, ast.BinOp) and isinstance(right.op, (ast.Add, ast.Sub)):
                loose = _op(_op(left, ast.Div, right.left), type(right.op), right.right)
                put("brackets", loose, x=_said(right))
            if isinstance(right, ast.BinOp) and isinstance(right.op, ast.Mult):
                put("brackets", _op(_op(left, ast.Div, right.left), ast.Mult, right.right), x=_said(right))
            if isinstance(left, ast.BinOp) and isinstance(left.op, (ast.Add, ast.Sub)):
                put("brackets", _op(left.left, type(left.op), _op(left.right, ast.Div, right)), x=_said(left))
        elif op is ast.Pow:
            self._power(put, left, right)

    def _sum(self, node, put, left, right, op):
        put("term", left, x=_said(right))
        if _is(left, 1) and op is ast.Sub:
            put("name", right, x=_said(node), y=_said(right))
            put("sign", _op(left, ast.Add, right), x=_said(right))
            put("sign", _op(right, ast.Sub, left), x="both terms of " + _said(node))
            put("term", _number(1.0), x=_said(right))
            return
        for one, other in ((left, right), (right, left)) if op is ast.Add else ():
            if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Mult):
                for factor, rest in ((one.left, one.right), (one.right, one.left)):
                    put("bracketed", _op(factor, ast.Mult, _op(rest, ast.Add, other)), x=_said(factor))
        negative = right if op is ast.Add else _node(ast.UnaryOp(ast.USub(), right))
        put("term", negative, x=_said(left))
        put("sign", _op(left, SWITCHED[op], right), x=_said(right))
        if op is ast.Add:
            put("sign", _op(right, ast.Sub, left), x=_said(left))
        else:
            put("sign", _op(right, ast.Sub, left), x="the whole difference of " + _said(node).removeprefix("the "))
        if _is_root(left) and "eps" in _said(right):
            put("eps_inside", _op(_op(left.left, ast.Add, right), ast.Pow, _number(0.5)))
            put("inverse", _of_numpy("maximum", left, right), x="`eps`", y="is a lower limit, and not added,")
            put("inverse", _op(left, ast.Mult, right), x="`eps`", y="multiplies, and is not added,")
            put("powered", _op(left, ast.Add, _op(right, ast.Pow, _number(0.5))), x="`eps`", y="under a root")

    def _power(self, put, left, right):
        said = _said(left)
        if _is(right, 0.5):
            put("root", left, x=said)
            put("number", _op(left, ast.Pow, _number(2)), x="0.5", y="2")
            put("number", _op(left, ast.Pow, _number(1 / 3)), x="0.5", y="1/3")
            if isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add) and "eps" in _said(left.right):
                put("eps_outside", _op(_op(left.left, ast.Pow, right), ast.Add, left.right))
        elif _is(right, 2):
            put("square", left, x=said)
            put("absolute", _node(ast.Call(_name("abs"), [left], [])), x=said)
            put("number", _op(left, ast.Pow, _number(3)), x="2", y="3")
            put("number", _op(left, ast.Pow, _number(0.5)), x="2", y="0.5")
        else:
            put("power", left, x=said)
            put("inverse", _op(left, ast.Mult, right), x=said, y="is multiplied where a power should stand")
            put("order", _op(right, ast.Pow, left), x=_said(right), y=said)
        if isinstance(left, ast.BinOp) and isinstance(left.op, (ast.Div, ast.Mult, ast.Add, ast.Sub)):
            put("brackets", _op(left.left, type(left.op), _op(left.right, ast.Pow, right)), x=said)
            both = _op(_op(left.left, ast.Pow, right), type(left.op), _op(left.right, ast.Pow, right))
            if isinstance(left.op, (ast.Add, ast.Sub)):
                put("brackets", both, x=said)

    def _loose(self, put, left, right):
        """a (b + c) without its brackets."""
        for outer, inner in ((left, right), (right, left)):
            if isinstance(inner, ast.BinOp) and isinstance(inner.op, (ast.Add, ast.Sub)):
                put("brackets", _op(_op(outer, ast.Mult, inner.left), type(inner.op), inner.right), x=_said(inner))
                put("brackets", _op(inner.left, type(inner.op), _op(inner.right, ast.Mult, outer)), x=_said(inner))

    def _unaryop(self, node, put, place):
        if isinstance(node.op, ast.USub):
            put("sign", node.operand, x=_said(node.operand))
            if isinstance(node.operand, ast.BinOp) and isinstance(node.operand.op, (ast.Add, ast.Sub)):
                inner = node.operand
                minus = _node(ast.UnaryOp(ast.USub(), inner.left))
                put("brackets", _op(minus, type(inner.op), inner.right), x=_said(inner))
        elif isinstance(node.op, ast.Not):
            put("never", node.operand)

    def _name(self, node, put, place):
        name = node.id
        if not isinstance(node.ctx, ast.Load) or name in ("np", "self", "state") or name.startswith("_"):
            return
        if name.startswith(("beta", "nu", "factor", "share")):
            put("name", _op(_number(1), ast.Sub, node), x=f"`{name}`", y=f"`1 - {name}`")
        group = self.hyper if name in self.hyper else [*self.given, *self.locals]
        if name in group:
            for other in group:
                if other != name:
                    put("name", _name(other), x=_symbol(name), y=_symbol(other))
        if name in ("t", "k", "n", "step", "steps", "every", "workers", "period", "worker", "count"):
            put("shifted", _op(node, ast.Add, _number(1)), x=f"`{name}`", y="large")
            put("shifted", _op(node, ast.Sub, _number(1)), x=f"`{name}`", y="small")

    def _constant(self, node, put, place):
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            return
        for other in (0, 0.5, 1, 2):
            if other != node.value:
                put("number", _number(other), x=f"{node.value:g}", y=f"{other:g}")
        if isinstance(node.value, float) and 0 < node.value < 0.5:
            for factor in (0.1, 0.5, 2, 5, 10):
                put("number", _number(node.value * factor), x=f"{node.value:g}", y=f"{node.value * factor:g}")

    def _compare(self, node, put, place):
        if len(node.ops) != 1 or type(node.ops[0]) not in MIRRORED:
            return
        kind, right = type(node.ops[0]), node.comparators
        for other in (WIDENED[kind], MIRRORED[kind], MIRRORED[WIDENED[kind]]):
            new = _node(ast.Compare(node.left, [other()], right))
            put("comparison", new, x=f"`{COMPARED[kind]}`", y=f"`{COMPARED[other]}`")

    def _call(self, node, put, place):
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        of_numpy = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
        of_numpy = of_numpy and function.value.id in ("np", "math")
        inner = None
        if of_numpy or not isinstance(function, ast.Attribute):
            inner = node.args[0] if node.args else None
        else:
            inner = function.value
        if inner is not None and name not in ("range", "zeros", "array", "zip", "default_rng", "len", "append"):
            put("call", inner, x=f"`{name}`")
            if name == "maximum":
                put("call", node.args[1], x=f"{_said(node.args[0])} in `maximum`")
        if name in ("min", "max") and not isinstance(function, ast.Attribute) and len(node.args) == 2:
            put("call", node.args[1], x=f"`{name}`")
            other = "max" if name == "min" else "min"
            put("reduction", _node(ast.Call(_name(other), node.args, [])), x=f"`{name}`", y=f"`{other}`")
            return
        for other in ALIKE.get(name, ()):
            if isinstance(function, ast.Attribute):
                arguments = node.args if of_numpy else [function.value, *node.args]
                target = ast.Attribute(_name("np"), other, ast.Load())
                words = [CALLED.get(n, f"`{n}`") for n in (name, other)]
                put("reduction", _node(ast.Call(target, arguments, node.keywords)), x=words[0], y=words[1])
        self._axes(node, name, put, of_numpy)
        if name == "range":
            last = len(node.args) - 1 if len(node.args) < 3 else 1
            for shift, word in ((1, "late"), (-1, "early")):
                arguments = list(node.args)
                arguments[last] = _op(arguments[last], ast.Add, _number(shift))
                new = _node(ast.Call(function, arguments, []))
                put("shifted", new, x="the end of a loop or sum", y=word)

    def _axes(self, node, name, put, of_numpy):
        """Sums and the like over another axis, or over all."""
        place = int(of_numpy)
        has_axis = len(node.args) > place and isinstance(node.args[place], ast.Constant)
        if name in ("sum", "mean", "max", "std", "cumsum", "argmax") and has_axis:
            other = [*node.args]
            other[place] = _number(1 - node.args[place].value)
            put("axis", _node(ast.Call(node.func, other, node.keywords)))
            put("axis", _node(ast.Call(node.func, node.args[:place], node.keywords)))
        for i, keyword in enumerate(node.keywords):
            if keyword.arg == "axis" and isinstance(keyword.value, ast.Constant):
                others = [ast.keyword("axis", _number(1 - keyword.value.value)), None]
                for other in others:
                    rest = [other if k == i else old for k, old in enumerate(node.keywords)]
                    put("axis", _node(ast.Call(node.func, node.args, [r for r in rest if r])))
            if keyword.arg == "ddof":
                rest = [old for old in node.keywords if old is not keyword]
                put("number", _node(ast.Call(node.func, node.args, rest)), x="1 of `ddof`", y="0")

    def _subscript(self, node, put, place):
        index = node.slice
        if isinstance(index, (ast.Name, ast.Constant, ast.BinOp)) and not isinstance(getattr(index, "value", 0), str):
            for shift, word in ((1, "large"), (-1, "small")):
                new = _node(ast.Subscript(node.value, _op(index, ast.Add, _number(shift)), ast.Load()))
                put("shifted", new, x="an index", y=word)


# ---- what the questions' forms are


@functools.lru_cache(64)  # of a variant there may be many, when grading
def of_task(task):
    """The forms of a task's right answers."""
    if task.name in COARSE:
        return ()
    sources = [(right, getattr(right, "source", None) or inspect.getsource(right)) for right in task.right]
    return tuple(Form(right.__name__, source, right.__globals__) for right, source in sources)


@functools.cache
def of_part(exercise, name):
    """The forms of a compared question; none where its answers are only yes and no."""
    from course_utils.checks import planted

    if (exercise, name) in FORMS:
        forms = FORMS[exercise, name]
        forms = forms if isinstance(forms, tuple) else (forms,)
        return tuple(Form(form.__name__, inspect.getsource(form), globals()) for form in forms)
    pool = planted.POOLS.get(exercise)
    if pool and pool.name == name and (exercise, name) not in COARSE:
        names = {"np": np}
        exec(compile(pool.before, __file__, "exec"), names)
        return (Form(name, pool.code, names),)
    return ()


COARSE = {"minibatches", (3, "my_batches")}  # its answers are yes and no: many mutants give the same


def top_speed(g, lr, beta):
    return lr * g / (1 - beta)


def steps_to(share, beta):
    return np.ceil(np.log(1 - share) / np.log(beta))


def final_loss(counts):
    shares = np.array(counts) / sum(counts)
    return -(shares * np.log(shares)).sum()


def matching_lr(lr, batch_size, new_batch_size, curvature):
    c = lr / (2 - lr * curvature) * new_batch_size / batch_size
    return 2 * c / (1 + c * curvature)


def who_returns(times):
    return np.argsort(np.cumsum(times, axis=1).ravel()) // times.shape[1]


def versions_read(order):
    read, versions = {}, []
    for k, worker in enumerate(order):
        versions.append(read.get(worker, 0))
        read[worker] = k + 1
    return np.array(versions)


def staler_than(k, workers):
    return (1 - 1 / workers) ** (k + 1)


def waiting(workers):
    return 1 - 1 / sum(1 / m for m in range(1, workers + 1))


def ahead_path(start, curvature, lr, betas):
    x, v, points = start, 0.0, [start]
    for beta, next_beta in zip(betas[:-1], betas[1:], strict=True):
        g = curvature * x
        v = beta * v + lr * g
        x = x - (next_beta * v + lr * g)
        points.append(x)
    return np.array(points)


def without_overshoot(curvature, beta):
    return ((1 - beta) / (1 + beta)) ** 2 / curvature


def step_after(k, bad, lr):
    return lr / (bad**2 + k) ** 0.5


def steps_to_recover(bad, share):
    return np.ceil(bad**2 * share**2 / (1 - share**2))


def waking_step(every, lr, beta):
    return lr * ((1 - beta**every) / (1 - beta)) ** 0.5


def mean_step(signal, noise, batch_size, lr):
    return lr * signal / (signal**2 + noise**2 / batch_size) ** 0.5


def combined(gradients, lr, beta, mu):
    r, v, updates = 0.0, 0.0, []
    for g in gradients:
        r = beta * r + (1 - beta) * g**2
        s = lr * g / (r**0.5 + 1e-8)
        v = mu * v + s
        updates.append(-(mu * v + s))
    return np.array(updates)


def coast(lr, beta1, beta2):
    shrink = beta1 / beta2**0.5
    return lr * shrink / (1 - shrink)


def lead(n, c):
    m, v = c / n, c**2 / n
    return v**0.5 / m


def root_of_n(n, c):
    return n**0.5


def chosen(rates, held_out, test):
    best = np.nan_to_num(held_out, nan=0.1).mean(axis=1).argmax()
    return rates[best], np.nan_to_num(test[best], nan=0.1).mean()


def paired(a, b):
    d = a - b
    return d.mean(), d.std(ddof=1) / len(d) ** 0.5


def width(rates, accuracy):
    decades = np.log10(rates)
    fine = np.linspace(decades[0], decades[-1], 10_001)
    inside = np.interp(fine, decades, accuracy) >= accuracy.max() - 0.01
    return inside.mean() * (decades[-1] - decades[0])


# (exercise, name) -> the formula of a question whose right answers are measured, or several of them
FORMS = {
    (2, "final_loss"): final_loss,
    (3, "matching_lr"): matching_lr,
    (4, "top_speed"): top_speed,
    (4, "steps_to"): steps_to,
    (5, "who_returns"): who_returns,
    (5, "versions_read"): versions_read,
    (5, "staler_than"): staler_than,
    (5, "waiting"): waiting,
    (6, "ahead_path"): ahead_path,
    (6, "without_overshoot"): without_overshoot,
    (7, "step_after"): step_after,
    (7, "steps_to_recover"): steps_to_recover,
    (8, "waking_step"): waking_step,
    (8, "mean_step"): mean_step,
    (8, "combined"): combined,
    (9, "coast"): coast,
    (9, "lead"): (lead, root_of_n),
    (10, "chosen"): chosen,
    (10, "paired"): paired,
    (10, "width"): width,
}
