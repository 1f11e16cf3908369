#!/usr/bin/env bash
# Makes manual/share: man pages of the command and what shells complete, from the declarations of its arguments.
# Usage: Scripts/manual.sh PROGRAM
set -euo pipefail
cd "$(dirname "$0")/.."

program=$1
scratch=.build-manual
share=manual/share
rm -rf "$share"
mkdir -p "$share"/{man/man1,bash-completion/completions,zsh/site-functions,fish/vendor_completions.d}

# The date of the pages is that of the last change, so that the same source gives the same pages.
swift package --scratch-path "$scratch" generate-manual --multi-page --date "$(git log -1 --format=%cs)" --section 1
for page in "$scratch"/plugins/GenerateManual/outputs/GPUDeconvCLI/*.1; do
    name=$(basename "$page" .1)
    gzip -9nc "$page" >"$share/man/man1/${name//./-}.1.gz"
done
"$program" --generate-completion-script bash >"$share/bash-completion/completions/gpudeconv"
"$program" --generate-completion-script zsh >"$share/zsh/site-functions/_gpudeconv"
"$program" --generate-completion-script fish >"$share/fish/vendor_completions.d/gpudeconv.fish"
