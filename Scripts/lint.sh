#!/usr/bin/env bash
# Checks what a reviewer should not have to: formatting, scripts, kernels, links. Prints every finding, then fails.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0

# Takes the findings of a check, of which there should be none.
refuse() {
    local title=$1 findings=$2
    [[ -n $findings ]] || return 0
    printf '%s:\n%s\n' "$title" "$findings" >&2
    status=1
}

in_text() {
    git grep -nI "$@" -- '*.swift' '*.cl' '*.c' '*.h' '*.modulemap' '*.md' '*.py' '*.sh' .ci .gitignore .swift-format || true
}

# A kernel that is not listed is not compiled, and one that is not described cannot be reviewed.
unlisted_kernels() {
    local kernel name function
    git ls-files 'Kernels/*.cl' | while read -r kernel; do
        name=$(basename "$kernel" .cl)
        grep -q "(\"$name\", " Kernels/KernelSource.swift || echo "$kernel is not in Kernels/KernelSource.swift"
        [[ $kernel == Kernels/Preamble/* ]] && continue
        function=$(sed -nE 's/^(kernel void|void|float2?) ([a-z_0-9]+)\(.*/\2/p' "$kernel")
        grep -q "^| \`$function\` |" Kernels/README.md || echo "$kernel: $function is not in Kernels/README.md"
    done
}

# Pages to which other pages or comments send the reader.
missing_pages() {
    local page file line target
    git ls-files '*.md' | while read -r page; do
        { grep -oE '\]\([^)#:]+[)#]' "$page" || true; } | sed -E 's/^..(.*).$/\1/' | while read -r target; do
            [[ -e $(dirname "$page")/$target ]] || echo "$page: $target"
        done
    done
    in_text -oE 'Documentation/[A-Za-z/-]+\.md' | grep -v '/NAME' | while IFS=: read -r file line target; do
        [[ -e $target ]] || echo "$file:$line: $target"
    done
}

# Files and folders of the repository that pages name, by their path or its end.
missing_paths() {
    local listed page line path
    listed=$(git ls-files | sed 's|^|/|')
    { git grep -noP '\x60([\w+./-]+\.(swift|cl|py|sh)|[A-Z][\w+./-]+/)\x60' -- Documentation Kernels README.md || true; } |
        tr -d '\140' | while IFS=: read -r page line path; do
        [[ $path == *NAME* ]] || grep -qF "/$path" <<<"$listed" || echo "$page:$line: $path"
    done
}

# Each front end writes options in its own way, and a text is for people: what decides has a type.
messages_as_text() {
    git grep -nP '^(?!\s*//).*"[^"]*(?<![\w-])--[a-z]' -- \
        'Sources/Deconv*.swift' 'Sources/GPUDeconv/*' 'Sources/GPUDeconvC/*'
    git grep -nE '(message|description|call|text\(\.[a-z]+\))\.(contains|has(Pre|Suf)fix)\(' -- 'Sources/*.swift'
    git grep -nE '" in (message|str\()' -- 'Python/gpudeconv/*.py'
}

git ls-files -z '*.swift' | xargs -0 swift format lint --strict --parallel || status=1
git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck || status=1
refuse "Blanks at the end of a line" "$(in_text -E '[[:blank:]]+$')"
refuse "Tabs or carriage returns" "$(in_text -P '\t|\r')"
refuse "Unfinished business" "$(in_text -wE 'TO[D]O|FIX[M]E|XX[X]')"
refuse "Kernels" "$(unlisted_kernels)"
refuse "Options in texts, or decisions on them" "$(messages_as_text)"
refuse "Pages that are not there" "$(missing_pages)"
refuse "Files that are not there" "$(missing_paths)"
refuse "Rings of files" "$(python3 Scripts/rings.py --most 3 2>&1 >/dev/null)"

exit "$status"
