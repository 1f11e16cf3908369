#!/usr/bin/env bash
# Builds and runs all tests in release mode, with the argument `address` under AddressSanitizer, and fails where one was
# skipped for any reason but missing data or a missing GPU. With the argument `intel` it runs those that use OpenCL, on the
# device that Scripts/test-intel.sh has chosen.
#
# The builds have folders of their own: tests see what is internal to modules, for which everything is compiled anew.
set -euo pipefail
cd "$(dirname "$0")/.."

arguments=(--disable-xctest -c release)
# Why a test may be skipped.
reasons='needs \.\./shared/data|needs a GPU'
case ${1:-} in
'') arguments+=(--scratch-path .build-test) ;;
address)
    arguments+=(--sanitize=address --scratch-path .build-asan)
    # OpenCL drivers keep memory until the process ends, and a backtracer would outlive a crash.
    export ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no
    ;;
intel)
    arguments+=(--scratch-path .build-test)
    arguments+=(--filter '^(DeconvDeviceTests|DeconvMethodsTests|DeconvPipelineTests)')
    # Its compiler once did not come back from a program while other threads waited for theirs.
    arguments+=(--no-parallel)
    # Passes are clFFT's, which this runtime does not compile.
    reasons+='|No test cases found\.'
    ;;
*)
    echo "usage: Scripts/test.sh [address|intel]" >&2
    exit 64
    ;;
esac

log=$(mktemp)
trap 'rm -f "$log"' EXIT
swift test "${arguments[@]}" 2>&1 | tee "$log"

# Swift Testing says: ➜ Test name() skipped: "reason"
skipped=$(grep -E '^[^ ]+ (Test|Suite) .* skipped' "$log" || true)
if [[ -n $skipped ]]; then
    unexplained=$(grep -vE "skipped: \"($reasons)\"" <<<"$skipped" || true)
    if [[ -n $unexplained ]]; then
        printf '%s\n' '' 'These tests were skipped for a reason that is none:' "$unexplained" >&2
        exit 1
    fi
fi

# The runner's closing line once more, where nobody can overlook it.
closing=$(grep -E 'Test run with [0-9]+ tests?.* passed' "$log" | tail -n 1 || true)
if [[ -z $closing ]]; then
    echo "No test was run." >&2
    exit 1
fi
echo "$closing"
