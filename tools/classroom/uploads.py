"""From a folder as a learning platform or a mail client leaves it to one file for each learner.

Names decide nothing but whose a file is, and there nothing is guessed: a file that fits no line of the roster, or two,
is listed. The outermost part of a path that names somebody counts, for that one is the platform's; below it, learners
name their files as they like.
"""

import contextlib
import csv
import functools
import hashlib
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from classroom import notebooks

DEEPEST = 3  # zips in zips
MOST = 20_000  # files in one zip that lies in the folder
NESTED = 1000  # files in one zip in a zip
NEWEST = 20  # notebooks of one learner that are looked at
ERRORS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError, NotImplementedError, KeyError)


@dataclass(frozen=True)
class Learner:
    """A line of the roster."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""

    @property
    def name(self):
        return f"{self.first_name} {self.last_name}".strip()


@dataclass
class File:
    """An upload. ``where`` is its path below the folder, through zips; ``time`` is in seconds since 1970."""

    where: str
    time: float
    open: object = field(repr=False)  # () -> bytes
    size: int = 0


class BadRoster(Exception):
    """What is wrong with the roster, and how to mend it."""


# ---- the roster

COLUMNS = {
    "id": ("id", "student", "student_id", "student id", "username", "user", "id number", "sis user id", "login"),
    "first_name": ("first_name", "first name", "firstname", "given name"),
    "last_name": ("last_name", "last name", "lastname", "surname", "family name"),
    "email": ("email", "email address", "e-mail", "mail"),
    "name": ("name", "full name"),
}


def roster(path):
    """The learners of a CSV file with a column for the id and, if there are, names and e-mail addresses."""
    try:
        text = Path(path).read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRoster(f"{path} is not in UTF-8. Save it as CSV UTF-8.") from None
    except OSError as error:
        raise BadRoster(f"{path} cannot be read: {error.strerror}.") from None
    comma = ";" if text.split("\n")[0].count(";") > text.split("\n")[0].count(",") else ","
    rows = csv.DictReader(text.splitlines(), delimiter=comma)
    found = {}
    for key, names in COLUMNS.items():
        found[key] = next((c for name in names for c in rows.fieldnames or [] if c.strip().lower() == name), None)
    if not found["id"]:
        raise BadRoster(f"{path} needs a column 'id' in its first line; it has {', '.join(rows.fieldnames or [])!r}.")
    learners = {}
    for number, row in enumerate(rows, 2):
        value = {key: (row.get(column) or "").strip() if column else "" for key, column in found.items()}
        name = value.pop("name")
        if name and not value["first_name"] and not value["last_name"]:
            last, comma, first = name.partition(",")
            value["first_name"], value["last_name"] = (first, last) if comma else name.rpartition(" ")[::2]
            value = {key: text.strip() for key, text in value.items()}
        if not value["id"]:
            continue
        if re.search(r"[/\\\0]|^\.|\+", value["id"]):
            raise BadRoster(f"{path}, line {number}: an id becomes a folder's name; {value['id']!r} cannot be one.")
        if value["id"] in learners:
            raise BadRoster(f"{path}, line {number}: the id {value['id']!r} stands there twice.")
        learners[value["id"]] = Learner(**value)
    if not learners:
        raise BadRoster(f"{path} names nobody.")
    return list(learners.values())


# ---- what lies in the folder


def files(folder):
    """All files below ``folder``, those in zips too, and a list of what could not be opened: (path, why)."""
    found, trouble = [], []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in ("__MACOSX", ".ipynb_checkpoints"))
        for name in sorted(names):
            path = os.path.join(root, name)
            where = os.path.relpath(path, folder)
            about = os.lstat(path)
            if not stat.S_ISREG(about.st_mode):
                trouble.append((where, "is a link, a pipe or a device, not a file"))
            elif name.lower().endswith(".zip"):
                _unzipped(path, [], where, found, trouble)
            elif not name.startswith("."):
                found.append(File(where, about.st_mtime, lambda path=path: Path(path).read_bytes(), about.st_size))
        if not folders and not names and root != str(folder):  # an empty folder says that somebody handed in nothing
            found.append(File(os.path.relpath(root, folder) + "/", os.lstat(root).st_mtime, bytes))
    return found, trouble


def _unzipped(path, names, where, found, trouble):
    """The files of the zip ``path``, or of the zip that ``names`` lead to in it; nothing is unpacked to the disk."""
    try:
        with _inside(path, names) as file, zipfile.ZipFile(file) as archive:
            for number, entry in enumerate(archive.infolist()):
                inside = f"{where}/{entry.filename}"
                parts = entry.filename.split("/")
                if entry.is_dir() or "__MACOSX" in parts or ".ipynb_checkpoints" in parts or parts[-1].startswith("."):
                    continue
                most = NESTED if names else MOST
                if number >= most:  # of this zip: another learner's is another one
                    trouble.append((inside, f"and what follows it is not looked at: these are more than {most} files"))
                    return
                is_zip = parts[-1].lower().endswith(".zip")
                # a zip hardly gets smaller in a zip: one that does is a bomb
                is_bomb = entry.file_size > min(10 * notebooks.LARGEST, 4 * entry.compress_size + 1_000_000)
                if is_zip and (len(names) == DEEPEST or is_bomb):
                    trouble.append((inside, "is a zip too deep or too large to open"))
                elif is_zip:
                    _unzipped(path, [*names, entry.filename], inside, found, trouble)
                elif entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    trouble.append((inside, "cannot be unpacked: it has a password, or is packed in an unusual way"))
                else:
                    content = functools.partial(_content, path, [*names, entry.filename], entry.file_size)
                    found.append(File(inside, _time(entry), content, entry.file_size))
    except ERRORS as error:
        trouble.append((where, f"is a zip that cannot be opened: {error}"))


@contextlib.contextmanager
def _inside(path, names):
    """An open file: ``path`` itself, or what ``names`` lead to, from a zip to a zip in it."""
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(path, "rb"))
        for name in names:
            archive = stack.enter_context(zipfile.ZipFile(file))
            file = stack.enter_context(archive.open(name))
        yield file


def _content(path, names, size):
    """The bytes of a file in a zip: as many as it says it has, whatever else it unpacks to."""
    with _inside(path, names) as file:
        return file.read(size)


def _time(entry):
    try:
        return datetime(*entry.date_time).timestamp()  # a zip keeps local time
    except ValueError:
        return 0.0


# ---- whose is it?


def words(text):
    """The words of a name without accents, capitals and punctuation."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", plain.casefold())


def keys(learner):
    """The ways in which platforms write a learner: id, address, first and last name in both orders, and as one word."""
    first, last = words(learner.first_name), words(learner.last_name)
    ways = [words(learner.id), words(learner.email)]
    if first and last:
        ways += [first + last, last + first, ["".join(last + first)], ["".join(first + last)]]
    return [way for way in ways if way]


def owner(where, learners, exercise):
    """(learner, None), or (None, why not). ``where`` is the path of an upload; its outermost telling part decides."""
    for part in where.replace("\\", "/").split("/"):
        name, ours = words(re.sub(r"\.(ipynb|zip)$", "", part, flags=re.IGNORECASE)), words(exercise)
        for i in reversed(range(len(name) - len(ours) + 1)):
            if name[i : i + len(ours)] == ours:
                name[i : i + len(ours)] = ["/"]  # the exercise's own name names nobody
        spans = {}  # learner -> the longest stretch of words that names them
        for learner in learners:
            for key in keys(learner):
                for i in range(len(name) - len(key) + 1):
                    if name[i : i + len(key)] == key:
                        spans.setdefault(learner, set()).update(range(i, i + len(key)))
        # "Ann Lee" stands in "Mary Ann Lee", and is not meant there
        whole = [who for who in spans if not any(spans[who] < spans[other] for other in spans)]
        if len(whole) == 1:
            return whole[0], None
        if whole:
            return None, f"fits {' and '.join(sorted(who.id for who in whole))}"
    return None, "fits nobody in the roster"


# ---- which of them?


@dataclass
class Chosen:
    """What one learner handed in: a notebook, or why there is none."""

    learner: Learner
    file: File | None = None
    data: bytes = b""
    why: str = ""  # of no file: in words
    others: list = field(default_factory=list)  # paths of what else came; none of it is opened or handed on

    @property
    def digest(self):
        return hashlib.sha256(self.data).hexdigest()

    @property
    def handed_in(self):
        return datetime.fromtimestamp(self.file.time, UTC)


def sort(folder, learners, exercise, course):
    """(what each learner handed in, what could not be matched or opened as (path, why))."""
    everything, trouble = files(folder)
    theirs = {}
    for file in everything:
        learner, why = owner(file.where, learners, exercise)
        if learner is None:
            trouble.append((file.where, why))
        else:
            theirs.setdefault(learner, []).append(file)
    chosen = []
    for learner, mine in theirs.items():
        candidates = [file for file in mine if file.where.lower().endswith(".ipynb")]
        others = [file.where for file in mine if not file.where.endswith("/")]
        if candidates:
            choice = _newest(learner, candidates, exercise, course, trouble)
            if choice:
                choice.others = [where for where in others if where != choice.file.where]
            chosen.append(choice)
            continue
        why = f"No notebook, but {', '.join(others)[:200]}." if others else "An empty folder."
        chosen.append(Chosen(learner, why=why))
    return [choice for choice in chosen if choice], trouble


def _newest(learner, candidates, exercise, course, trouble):
    """The newest of a learner's files that is the exercise; if none is, the newest of all."""
    loaded = []
    for file in sorted(candidates, key=_age)[-NEWEST:]:
        try:
            loaded.append((file, _load(file)))
        except ERRORS as error:
            trouble.append((file.where, f"cannot be unpacked: {error}"))
    if not loaded:
        return None
    if len(loaded) > 1:
        right = [(file, data) for file, data in loaded if _is_right(data, exercise, course)]
        loaded = sorted(right or loaded, key=lambda pair: _age(pair[0]))
        (file, data), (before, data_before) = loaded[-1], loaded[-2] if len(loaded) > 1 else loaded[-1]
        if data != data_before and _age(file) == _age(before):
            trouble.append((file.where, f"is as old as {before.where}, and different: leave the one that counts"))
            return None
    file, data = loaded[-1]
    return Chosen(learner, file, data)


def _load(file):
    """The content; of a file that is far too large, a line of its own that says which one it is."""
    if file.size > notebooks.LARGEST:
        return f"{file.size} bytes, {file.time}".encode()
    return file.open()


def _age(file):
    """The time, then the number that Canvas, browsers and people put behind a name: momentum-1, momentum (2)."""
    number = re.search(r"[-_ ]\(?(\d{1,2})\)?\.ipynb$", file.where, re.IGNORECASE)
    return file.time, int(number[1]) if number else 0


def _is_right(data, exercise, course):
    try:
        return notebooks.kind(notebooks.read(data), exercise, course).right
    except notebooks.NotGradable:
        return False
