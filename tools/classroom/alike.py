"""Answers that are alike, for a person to look at. Nothing is decided here, and the list proves nothing.

An answer becomes the set of its runs of six tokens, with names of the learner's own made equal and comments,
docstrings and what the exercise itself gave left out. Runs that many share, as in a rule of three lines that everybody
writes alike, count for nothing; so two people who copied the commonest answer are not listed.
"""

import builtins
import io
import keyword
import re
import tokenize
from collections import defaultdict
from itertools import combinations

RUN = 6  # tokens
FEWEST = 8  # rare runs that two answers must share
SHARE = 0.8  # of the runs of the smaller answer


def tokens(source):
    """A program as its tokens without comments, docstrings and layout; own names as one letter."""
    found, first = [], True
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
                first = True
                continue
            if token.type in (tokenize.COMMENT, tokenize.NL, tokenize.ENDMARKER):
                continue
            if token.type == tokenize.STRING and first:
                continue
            first = False
            is_own = token.type == tokenize.NAME and not keyword.iskeyword(token.string)
            found.append("x" if is_own and not hasattr(builtins, token.string) else token.string)
    except (tokenize.TokenError, SyntaxError):  # a program that cannot be read is compared by its words
        return re.findall(r"\w+|[^\w\s]", source)
    return found


def runs(source, is_text):
    """The runs of tokens of an answer; of a written answer, of its words."""
    found = re.findall(r"\w+", source.lower()) if is_text else tokens(source)
    return {tuple(found[i : i + RUN]) for i in range(len(found) - RUN + 1)}


def pairs(answers, given):
    """[{"who": (a, b), "id": name, "share": of the smaller answer, "runs": number}], most alike first.

    answers: learner -> name -> (source, whether it is text). given: name -> (source, whether it is text) as released.
    """
    found = []
    for name, (source, is_text) in given.items():
        plain = runs(source, is_text)
        mine = {who: runs(*row[name]) - plain for who, row in answers.items() if name in row}
        users = defaultdict(list)
        for who, own in mine.items():
            for run in own:
                users[run].append(who)
        many = max(3, len(mine) // 20)
        shared = defaultdict(int)
        for group in users.values():
            if 2 <= len(group) <= many:
                for pair in combinations(sorted(group), 2):
                    shared[pair] += 1
        for (a, b), number in shared.items():
            share = len(mine[a] & mine[b]) / min(len(mine[a]), len(mine[b]))
            if number >= FEWEST and share >= SHARE:
                found.append({"who": (a, b), "id": name, "share": share, "runs": number})
    return sorted(found, key=lambda pair: (-pair["runs"], pair["who"]))
