#!/usr/bin/env bash
# Measures what only a GPU can show, within a time limit: each step under its own, the most valuable first. One line of
# JSON a step goes to steps.jsonl as it ends; what steps print and write is kept in folders beside it.
# Benchmarks/README.md says how to read it.
#
# Needs the program (a bundle will do), bash, coreutils and python3; CuPy is measured where it is there.
set -euo pipefail

usage="usage: Scripts/gpu-check.sh [options]

  --program FILE      gpudeconv; otherwise that of bundle/, else of .build/release
  --output FOLDER     for steps.jsonl and what steps write; must not exist (gpu-check)
  --data FOLDER       with hollow-bars/ and lattice-cell/, each observed.tif and psf.tif; otherwise shared/data or
                      ../shared/data, and where that is not there stacks are simulated
  --seconds N         for everything together (540)
  --step-seconds N    at most, for each step
  --only NAME,...     these steps and no others
  --rehearsal         tiny volumes, to see that everything runs; any OpenCL device will do"

complain() {
    echo "gpu-check.sh: $1" >&2
    exit "${2:-64}"
}

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$scripts")
helper=$scripts/gpu_check.py
program='' output=gpu-check data='' total=540 most='' only='' rehearsal=''
while (($# > 0)); do
    case $1 in
    --program | --output | --data | --seconds | --step-seconds | --only)
        (($# > 1)) || complain "$1 wants a value"
        case $1 in
        --program) program=$2 ;;
        --output) output=$2 ;;
        --data) data=$2 ;;
        --seconds) total=$2 ;;
        --step-seconds) most=$2 ;;
        --only) only=$2 ;;
        esac
        shift 2
        ;;
    --rehearsal)
        rehearsal=1
        shift
        ;;
    -h | --help)
        echo "$usage"
        exit 0
        ;;
    *) complain "$1 is no option"$'\n'"$usage" ;;
    esac
done
for number in "$total" ${most:+"$most"}; do
    [[ $number =~ ^[1-9][0-9]{0,5}$ ]] || complain "'$number' is no number of seconds: give 1 to 999999"
done
SECONDS=0
command -v python3 >/dev/null || complain "there is no python3: it is needed to read what steps measure" 69
[[ ! -e $output ]] || complain "$output is there already: give another --output" 73
if [[ -z $data ]]; then
    for folder in "$root/shared/data" "$root/../shared/data"; do
        if [[ -z $data && -d $folder ]]; then data=$folder; fi
    done
fi
if [[ -n $data ]]; then
    [[ -d $data ]] || complain "--data $data: there is no such folder" 66
    data=$(cd "$data" && pwd)
fi

# Where there is room for volumes: memory, so that no disk is measured.
scratch_parent=${TMPDIR:-/tmp}
gigabytes=40
[[ -z $rehearsal ]] || gigabytes=1
if [[ -w /dev/shm ]] && (($(df --output=avail -B1G /dev/shm | tail -n 1) >= gigabytes)); then scratch_parent=/dev/shm; fi
scratch=$(mktemp -d "$scratch_parent/gpu-check-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
# Programs and measurements are kept between steps.
if [[ -z ${XDG_CACHE_HOME:-} && ! -w ${HOME:-/nonexistent} ]]; then export XDG_CACHE_HOME=$scratch/cache; fi

find_program() {
    local candidate
    for candidate in "$root"/bundle/gpudeconv-*/bin/gpudeconv "$root"/.build/release/gpudeconv; do
        [[ ! -x $candidate ]] || { echo "$candidate" && return; }
    done
    for candidate in "$root"/bundle/gpudeconv-*.tar.gz; do
        [[ -f $candidate ]] || continue
        mkdir -p "$scratch/bundle"
        tar --extract --gzip --file "$candidate" -C "$scratch/bundle"
        echo "$scratch"/bundle/gpudeconv-*/bin/gpudeconv && return
    done
}

if [[ -z $program ]]; then program=$(find_program); fi
[[ -n $program ]] || complain "there is no bundle and no build: run 'make bundle', or name the program by --program" 66
[[ -f $program && -x $program ]] || complain "--program $program: there is no such program" 66
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")
mkdir -p "$output"
output=$(cd "$output" && pwd)

# Containers have NVIDIA's driver without the file that tells the loader of it.
find_driver() {
    local folder
    local -a folders
    IFS=: read -ra folders <<<"${LD_LIBRARY_PATH:-}"
    ldconfig -p 2>/dev/null | sed -nE 's/.* => (.*libnvidia-opencl\.so\.1)$/\1/p' | head -n 1
    for folder in ${folders[@]+"${folders[@]}"} /usr/local/nvidia/lib64 /usr/local/nvidia/lib /usr/lib/x86_64-linux-gnu \
        /usr/lib64 /usr/lib/nvidia /usr/lib /usr/local/cuda/compat; do
        [[ ! -e $folder/libnvidia-opencl.so.1 ]] || echo "$folder/libnvidia-opencl.so.1"
    done
}

# Where no GPU is seen: a file may name the driver and not say where it is.
name_driver() {
    local driver vendors=${OCL_ICD_VENDORS:-/etc/OpenCL/vendors}
    [[ -d $vendors ]] || { [[ -z ${OCL_ICD_VENDORS:-} ]] || return 0; }
    if "$program" devices --json 2>/dev/null | grep -q '"GPU"'; then return 0; fi
    driver=$(find_driver | head -n 1)
    [[ -n $driver ]] || return 0
    mkdir -p "$output/icd"
    cp "$vendors"/*.icd "$output/icd" 2>/dev/null || true
    rm -f "$output/icd"/*nvidia*.icd
    echo "$driver" >"$output/icd/nvidia.icd"
    export OCL_ICD_VENDORS=$output/icd
    # It opens its other parts by name.
    export LD_LIBRARY_PATH=${driver%/*}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    echo "driver: $driver, named in $output/icd/nvidia.icd"
}

microseconds() { echo $(($(date +%s%N) / 1000)); }

# Seconds that are left for steps. What a step leaves behind is read in the last few.
left() { echo $((total - 4 - SECONDS)); }

failures=0
record() {
    python3 "$helper" record "$output" "$@" || {
        echo "gpu-check.sh: what $1 measured could not be read" >&2
        failures=$((failures + 1))
    }
}

# Runs a function with arguments under a name, for at most so many seconds, unless there is less left than it takes at least.
step() {
    local name=$1 limit=$2 least=$3 status=0 seconds start
    shift 3
    if [[ -n $only && ,$only, != *",$name,"* ]]; then return; fi
    if [[ -n $rehearsal ]]; then limit=240 least=1; fi
    seconds=$(left)
    if ((seconds < least)); then
        record "$name" --skipped "$((seconds > 0 ? seconds : 0)) s are left, and it takes at least $least s"
        return
    fi
    if ((limit > seconds)); then limit=$seconds; fi
    if [[ -n $most ]] && ((limit > most)); then limit=$most; fi
    mkdir -p "$output/$name"
    start=$(microseconds)
    # Killed with all that it started: a program that ends in its own time would compute beside the next step. The shell
    # would tell of that, too.
    {
        (
            cd "$output/$name"
            # shellcheck disable=SC2016 # Its arguments are for the inner shell.
            exec timeout --signal=KILL "$limit" "$BASH" -c 'set -euo pipefail; "$@"' "$name" "$@" \
                </dev/null >output.txt 2>errors.txt
        ) || status=$?
    } 2>/dev/null
    record "$name" --status "$status" --limit "$limit" --microseconds $(($(microseconds) - start))
    if ((status != 0)); then failures=$((failures + 1)); fi
}

skip() {
    if [[ -z $only || ,$only, == *",$1,"* ]]; then record "$1" --skipped "$2"; fi
}

# The steps. Each runs in a shell and a folder of its own, and figures are taken from the JSON files that it leaves.

machine() {
    "$program" --version >version.txt
    { lscpu && free -h && df -h /dev/shm /tmp && uname -a; } >machine.txt 2>&1 || true
    "$program" devices >devices.txt
    "$program" devices --json >devices.json
    if command -v nvidia-smi >/dev/null; then timeout --foreground 10 nvidia-smi -q >nvidia-smi.txt; fi
}

# bench NAME SHAPE PSF-SHAPE OPTIONS...
bench() {
    local name=$1 shape=$2 psf_shape=$3
    shift 3
    "$program" bench --shape "$shape" --psf-shape "$psf_shape" --json "$@" >"$name.json"
}

bench_device() {
    local name=$1 shape=$2 psf_shape=$3
    shift 3
    bench "$name" "$shape" "$psf_shape" --device "$device" "$@"
}

cupy() {
    local shape=$1 psf_shape=$2
    shift 2
    python3 "$root/Benchmarks/cupy_richardson_lucy.py" --shape "$shape" --psf-shape "$psf_shape" "$@" >cupy.json
}

# The same with the comparison, unless the CPU took too long for it: what the device does is worth more.
bench_checked() {
    local seconds=$1 status=0
    shift
    if [[ ! -e $scratch/slow-cpu ]]; then
        timeout --foreground --kill-after=3 "$seconds" \
            "$program" bench --device "$device" --json --check "$@" >bench.json || status=$?
        ((status == 124 || status == 137)) || return "$status"
        touch "$scratch/slow-cpu"
        echo "compared with nothing, for the CPU took too long" >&2
    fi
    "$program" bench --device "$device" --json "$@" >bench.json
}

# An image and a PSF of the large shape, which an earlier step has saved unless it failed.
light_volumes() {
    [[ -f $scratch/light/psf.tif ]] ||
        "$program" bench --backend cpu --shape "$light" --psf-shape "$light_psf" --iterations 1 \
            --save "$scratch/light" --overwrite >/dev/null
}

deconvolve() { "$program" "$@" --overwrite --quiet; }

on_device() { deconvolve "$@" --backend opencl --device "$device"; }

# differ NAME A B: fails where an image is not the other.
differ() {
    "$program" compare "$2" "$3" --json >"compare-$1.json" && python3 "$helper" require "compare-$1.json" 1e-4
}

# right FOLDER OPTIONS...: each library's result for a stack against that of the CPU back end.
right() {
    local folder=$1 library status=0
    shift
    local job=("$folder/observed.tif" --psf "$folder/psf.tif" --iterations 10 "$@")
    deconvolve "${job[@]}" --backend cpu -o "$scratch/cpu.tif" --report report-cpu.json
    for library in vkfft clfft; do
        on_device "${job[@]}" --fft "$library" -o "$scratch/device.tif" --report "report-$library.json" &&
            differ "$library" "$scratch/device.tif" "$scratch/cpu.tif" || status=1
    done
    return "$status"
}

right_simulated() {
    local model=$1
    local -a shapes=()
    [[ -z $rehearsal ]] || shapes=(--shape "$light" --psf-shape "$light_psf")
    "$program" simulate "$scratch/$model" --model "$model" --backend cpu "${shapes[@]}" >/dev/null
    right "$scratch/$model" --psf-as-is --background 100
}

# Volumes of a Zarr array in memory to another, and what each stage took.
stream() {
    local count=$1 iterations=$2
    light_volumes
    python3 "$helper" store "$scratch/stream.zarr" "$light" "$count"
    on_device "$scratch/stream.zarr" --psf "$scratch/light/psf.tif" --psf-as-is --iterations "$iterations" \
        -o "$scratch/streamed.zarr" --report report.json
    rm -rf "$scratch/stream.zarr" "$scratch/streamed.zarr"
}

# In tiles, and in one piece.
tiles() {
    light_volumes
    local job=("$scratch/light/observed.tif" --psf "$scratch/light/psf.tif" --psf-as-is --iterations 3 --fft vkfft)
    on_device "${job[@]}" -o "$scratch/whole.tif" --report report-whole.json
    on_device "${job[@]}" "$@" -o "$scratch/tiles.tif" --report report-tiles.json
    differ tiles "$scratch/tiles.tif" "$scratch/whole.tif"
}

light=201,1024,768 light_psf=101,64,64
middle=101,512,384 middle_psf=51,32,32
small=64,256,256 small_psf=31,31,31
cube=512,512,512 cube_psf=101,64,64
zero=zero iterations=10 stream_iterations=20
tile=(--memory-limit 1500MB)
side=1024 largest_psf=$cube_psf largest_boundary=extend
check_seconds=75
# A length of each family that the libraries have kernels for: 2 and 3, 5, 7, 11, 13 and mixes, and a plane that has all.
sizes=("96,96,96" "100,100,100" "105,105,105" "110,110,110" "121,121,121" "125,125,125" "143,143,143" "169,169,169"
    "210,210,210" "1,1001,1001")
size_psf=9,9,9
if [[ -n $rehearsal ]]; then
    # One shape for nearly all, for each is compiled.
    light=8,16,18 light_psf=7,9,11
    middle=$light middle_psf=$light_psf small=$light small_psf=$light_psf cube=$light cube_psf=$light_psf
    zero=extend iterations=3 stream_iterations=2
    tile=(--tile "8,8,18")
    sizes=("8,8,8")
    size_psf=5,5,5
    side=15 largest_psf=$size_psf largest_boundary=periodic
    check_seconds=200
fi
light_run=("$light" "$light_psf" --iterations "$iterations")
light_shapes=(--shape "$light" --psf-shape "$light_psf")

# Not through a pipe, whose shell could not export.
name_driver >"$output/driver.txt"
cat "$output/driver.txt"

export program scratch root helper rehearsal light light_psf device=1
export -f machine bench bench_device bench_checked cupy light_volumes deconvolve on_device differ right right_simulated stream tiles

echo "gpudeconv: $program"
step machine 25 1 machine
device=$(python3 "$helper" device "$output/machine/devices.json" 2>/dev/null || echo 1)

step bench-light-vkfft 110 15 bench_checked "$check_seconds" "${light_shapes[@]}" --iterations "$iterations" --fft vkfft \
    --save "$scratch/light" --overwrite
step bench-light-clfft 120 15 bench_checked "$check_seconds" "${light_shapes[@]}" --iterations "$iterations" --fft clfft
if timeout 30 python3 -c 'import cupy, numpy' >/dev/null 2>&1; then
    has_cupy=1
    step cupy-light 60 10 cupy "$light" "$light_psf" --boundary extend --iterations "$iterations"
else
    has_cupy=''
    skip cupy-light "CuPy is not here"
fi
if [[ -n $data && -f $data/hollow-bars/psf.tif && -f $data/lattice-cell/psf.tif ]]; then
    step right-hollow-bars 50 8 right "$data/hollow-bars"
    step right-lattice-cell 70 10 right "$data/lattice-cell" --background 98 --spacing 0.3,0.1,0.1 --psf-spacing 0.1,0.1,0.1
else
    step right-widefield 60 8 right_simulated widefield
    step right-confocal 60 8 right_simulated confocal
fi
step passes-vkfft 40 10 bench_device bench "${light_run[@]}" --fft vkfft --passes
step passes-clfft 40 10 bench_device bench "${light_run[@]}" --fft clfft --passes
step transfers 40 10 bench_device bench "$light" "$light_psf" --iterations 1 --fft vkfft --transfers
step bench-light-zero 70 20 bench_device bench "${light_run[@]}" --fft both --boundary "$zero"
step bench-cube 80 20 bench_device bench "$cube" "$cube_psf" --iterations "$iterations" --fft both
step bench-small 40 8 bench_device bench "$small" "$small_psf" --iterations "$iterations" --fft both
step bench-middle 50 10 bench_device bench "$middle" "$middle_psf" --iterations "$iterations" --fft both
if [[ -n $has_cupy ]]; then
    step cupy-cube 40 10 cupy "$cube" "$cube_psf" --boundary extend --iterations "$iterations"
else
    skip cupy-cube "CuPy is not here"
fi
volumes=20
if (($(left) < 150)); then volumes=10; fi
if [[ -n $rehearsal ]]; then volumes=3; fi
step stream 90 25 stream "$volumes" "$stream_iterations"
step tiles 70 25 tiles "${tile[@]}"
step largest 80 30 bench_device bench "$light" "$largest_psf" --largest "$side" --boundary "$largest_boundary" \
    --iterations 1 --fft vkfft
for size in "${sizes[@]}"; do
    step "size-${size//,/x}" 25 5 bench_device bench "$size" "$size_psf" --boundary periodic --iterations 1 --fft both --check
done

echo "$((SECONDS)) s in all; $failures steps failed or were cut off; $output/steps.jsonl"
((failures == 0)) || exit 1
