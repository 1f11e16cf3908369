"""Draws which file refers to which inside each Swift module and the Python package, and finds the rings.

Reads text, not what a compiler knows: a name counts only where it is plain which file declares it. Missed are the
initializers, operators and subscripts of extensions, and values whose type is not named. Needs nothing but Python.
"""

import argparse
import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TYPES = set("struct class enum protocol actor extension typealias associatedtype".split())
MEMBERS = set("func init subscript var let case".split())
STANDARD = set("description hash encode next makeIterator count first last map index append replacing".split())
WORD = re.compile(r'//.*|/\*(?s:.*?)\*/|#/.*?/#|(#*)("""|")|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|\.\.[.<]|[^\s\w`]')


def words(text: str) -> list[tuple[str, int]]:
    """The words of Swift and their lines, without comments and strings; what strings interpolate stays."""
    found, at, line = [("", 0)] * 4, 0, 1
    strings = [[WORD, 1]]  # what ends each string that is open, and the brackets open in its interpolation
    while match := (WORD if strings[-1][1] else strings[-1][0]).search(text, at):
        line += text.count("\n", at, match.start())
        if not strings[-1][1]:
            strings[-1][1] = int(match[0][-1] == "(")
            strings = strings[:-1] if match[0][0] == '"' else strings
        elif match[2]:
            strings.append([re.compile(rf"{match[2]}{match[1]}|\\{match[1]}(?s:.)"), 0])
        elif match[0][:2] not in ("//", "/*", "#/"):
            strings[-1][1] += {"(": 1, ")": -1}.get(match[0], 0)
            found += [(match[0], line)] if strings[-1][1] else []
        line, at = line + match[0].count("\n"), match.end()
    return found + [("", 0)] * 40


class SwiftFile:
    """What a file declares, and the names in it, each with the types around it."""

    def __init__(self, path: Path):
        self.words, lines = zip(*words(path.read_text()))
        near = list(zip(self.words, self.words[1:], self.words[2:]))
        self.imports = {word for before, word, _ in near if before == "import"}
        self.labels = {word for before, word, after in near if after == ":" or before in ("let", "for")}
        # Types and members, and whether other files see each; names where they are used, and the types around.
        self.types, self.members, self.uses = {}, [], []
        # Of each brace that is open: the type, whether other files see it, and names that mean no type of the module.
        nothing = ("", False, [], -1)
        scopes, pending, parens = [("", True, [], 0)], nothing, 0
        for at in range(4, len(self.words) - 40):
            before, word, after = self.words[at - 1 : at + 2]
            around = [scope[0] for scope in [*scopes, pending] if scope[0]]
            parens += {"(": 1, ")": -1}.get(word, 0)
            modifiers = [i for i in range(at - 4, at) if lines[i] == lines[at] and self.words[i + 1] != "("]
            seen = scopes[-1][1] and not any("private" in self.words[i] for i in modifiers)
            if word in TYPES and before != "." and after[:1].isupper():
                name = ".".join([*around[-1:], after]) if word != "extension" else after
                if word != "extension":
                    self.types |= {each: seen for each in [name, *(f"{name}.{each}" for each in self.generics(at + 2))]}
                pending = (name, seen, [], parens)
            elif word in MEMBERS and before != ".":
                names = range(at + 1, at + (40 if word == "case" else 2) if scopes[-1][0] or len(scopes) == 1 else 0)
                self.members += [(self.words[i], scopes[-1][0], seen) for i in names if lines[i] == lines[at]]
                pending = ("", False, self.generics(at + (2 if word == "func" else 1)), parens)
            elif word in "{}":
                opened = pending if pending[3] == parens else nothing
                scopes, pending = [*scopes, opened] if word == "{" else scopes[:-1], nothing
            elif word[0].isalpha() and not any(word.split(".")[0] in scope[2] for scope in [*scopes, pending]):
                self.uses.append((before, word.split("."), lines[at], around))

    def generics(self, at: int) -> list[str]:
        """Names between < and >, if that is what is here."""
        end = next(i for i in range(at, len(self.words)) if self.words[i] in ">({")
        return [self.words[i] for i in range(at + 1, end) if self.words[i - 1] in "<,"] if self.words[at] == "<" else []


def swift_arrows(files: dict[Path, SwiftFile], taken: dict[str, set[str]]) -> dict:
    """From, to: names, and the first line with each; taken: what members of each module are called."""
    arrows, types, members = {}, {}, {}
    for path, file in files.items():
        for name, seen in file.types.items():
            types.setdefault(name, {})[path] = seen
        for name, outer, seen in file.members:
            # Arrows to a type stand for those to its members in the same file.
            members.setdefault(name, {})[path] = (outer, seen and outer not in file.types)
    for path, file in files.items():
        foreign = STANDARD.union(*(taken.get(each, ()) for each in file.imports))
        for before, names, line, around in file.uses:
            homes = {}
            own = [around[-1]] if names[0] == "Self" and around else [f"{outer}.{names[0]}" for outer in around[::-1]]
            base = next((each for each in own if each in types), names[0])
            for name in (".".join([base, *names[1:count]]) for count in range(1, len(names) + 1) if before != "."):
                found = [home for home, seen in types.get(name, {}).items() if seen or home == path]
                homes |= {found[0]: name} if len(found) == 1 else {}
            for start, name in zip([before, *"." * len(names)], names):
                if start not in MEMBERS and len(members.get(name, {})) == 1 and name not in foreign:
                    [(home, (outer, seen))] = members[name].items()
                    free = name not in file.labels and (not outer or outer in around)
                    homes |= {home: f".{name}"} if seen and (outer if start == "." else free) else {}
            for home in homes.keys() - {path}:
                arrows.setdefault((path, home), {}).setdefault(homes[home], line)
    return arrows


def python_arrows(folder: Path) -> dict:
    """The same of the imports of a package without folders, wherever they stand."""
    arrows = {}
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            start = [folder.name] * getattr(node, "level", 0) + (getattr(node, "module", None) or "").split(".")
            for each in node.names if isinstance(node, ast.Import | ast.ImportFrom) else []:
                package, name, *_ = [part for part in [*start, *each.name.split(".")] if part] + [""]
                home = folder / f"{name}.py" if (folder / f"{name}.py").is_file() else folder / "__init__.py"
                if package == folder.name and home != path:
                    arrows.setdefault((path, home), {}).setdefault("import", node.lineno)
    return arrows


def rings(arrows: dict) -> list[tuple[Path, ...]]:
    """The files of which each leads to all others of its ring, largest ring first."""
    reached = {}
    for start, _ in arrows:
        reached[start], new = set(), {start}
        while new := {home for file, home in arrows if file in new} - reached[start]:
            reached[start] |= new
    found = {tuple(sorted(each for each in reached[file] if file in reached.get(each, ()))) for file in reached}
    return sorted(found - {()}, key=lambda ring: (-len(ring), ring))


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--most", type=int, help="fail where a ring of Swift files is larger, or Python files form any")
parser.add_argument("--why", action="store_true", help="print the arrows inside each ring of more than three files")
arguments = parser.parse_args()
folders = [ROOT / "Kernels", *sorted((ROOT / "Sources").iterdir())]
modules = {each.name: {path: SwiftFile(path) for path in each.rglob("*.swift")} for each in folders}
taken = {name: {each[0] for file in files.values() for each in file.members} for name, files in modules.items()}
graphs = [(name, files, swift_arrows(files, taken), arguments.most) for name, files in modules.items() if files]
package, failures = ROOT / "Python/gpudeconv", []
for name, files, arrows, most in [*graphs, ("Python", list(package.glob("*.py")), python_arrows(package), 1)]:
    print(f"{name}: {len(files)} files, {len(arrows)} arrows, {len(found := rings(arrows))} rings")
    for ring in found:
        stems = ", ".join(path.stem for path in ring)
        print(f"  {len(ring)}: {stems}")
        for arrow in sorted(arrow for arrow in arrows if {*arrow} <= {*ring} and arguments.why and len(ring) > 3):
            why = ", ".join(f"{each} (line {line})" for each, line in arrows[arrow].items())
            print(f"    {arrow[0].relative_to(ROOT)} -> {arrow[1].name}: {why}")
        if arguments.most is not None and len(ring) > most:
            failures.append(f"{name}: a ring of {len(ring)} files, where {most} may be: {stems}")
raise SystemExit("\n".join(failures) or 0)
