/* gpudeconv: deconvolution of 3D fluorescence images, for C and whatever calls C.
 *
 * Every function may be called from any thread at any time, with three exceptions: an options object belongs to one thread
 * while it is changed, nothing may be used once it is destroyed, and a callback may not compute with the session that calls it. Functions that can fail return a status; the message that
 * belongs to it is gpudeconv_last_error(). Nothing is printed, and no OpenCL runtime need be installed.
 *
 * Sizes, spacings and strides are in the order z, y, x wherever there are several.
 */
#ifndef GPUDECONV_H
#define GPUDECONV_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when a caller that was compiled for the last one would no longer work. */
#define GPUDECONV_ABI_VERSION 4

/* How a call went. More may come: take what is not known here for a failure. */
typedef enum gpudeconv_status {
    GPUDECONV_OK = 0,
    GPUDECONV_INVALID_ARGUMENT = 1,     /* an option or argument outside its range */
    GPUDECONV_INVALID_DATA = 2,         /* an array or file that cannot be used: NaN, damaged, shapes that do not fit */
    GPUDECONV_INPUT_NOT_FOUND = 3,      /* an input file that is missing or may not be read */
    GPUDECONV_DEVICE_UNAVAILABLE = 4,   /* no device of that name, or none at all */
    GPUDECONV_DEVICE_FAILED = 5,        /* a device, its driver or its compiler failed */
    GPUDECONV_OUT_OF_MEMORY = 6,        /* on the host or on the device */
    GPUDECONV_CANNOT_CREATE_OUTPUT = 7, /* its folder is missing or may not be written, or another process is at it */
    GPUDECONV_INPUT_OUTPUT = 8,         /* reading or writing failed in the middle */
    GPUDECONV_CANCELLED = 9,            /* a callback asked to stop */
    GPUDECONV_INTERNAL_ERROR = 10,      /* a fault of this library */
    GPUDECONV_OUTPUT_EXISTS = 11,       /* the output exists already and may not be replaced */
    GPUDECONV_DISK_FULL = 12            /* the disk, or the user's share of it, is full or will be */
} gpudeconv_status;

/* GPUDECONV_ABI_VERSION of the library, to be compared with that of the header. */
int32_t gpudeconv_abi_version(void);

/* Version of the program, such as "1.0.0". Static. */
const char *gpudeconv_version(void);

/* What went wrong in the last call of this thread that failed: one line in UTF-8 that names the option, file or device, the
 * value and the remedy, options as keywords such as background=98; "" where none has failed. Valid until the next call of this thread. */
const char *gpudeconv_last_error(void);

/* Gives back a text that a function made; NULL is fine. */
void gpudeconv_string_destroy(char *text);

/* --- Arrays ------------------------------------------------------------------------------------------------------------- */

/* Elements in the byte order of this machine. */
typedef enum gpudeconv_type {
    GPUDECONV_UINT8 = 1,
    GPUDECONV_INT8 = 2,
    GPUDECONV_UINT16 = 3,
    GPUDECONV_INT16 = 4,
    GPUDECONV_UINT32 = 5,
    GPUDECONV_INT32 = 6,
    GPUDECONV_FLOAT32 = 7,
    GPUDECONV_FLOAT64 = 8
} gpudeconv_type;

/* Somebody's memory, seen as an array. 8 and 16-bit unsigned elements are computed from as they are, others as 32-bit floats. */
typedef struct gpudeconv_array {
    void *data;             /* the element whose every index is 0; aligned for its type */
    const int64_t *shape;   /* `rank` extents, none negative; the last three are z, y, x */
    const int64_t *strides; /* `rank` steps in bytes, of any sign, 0 too for what is only read; NULL for C order */
    int32_t rank;           /* 2 for a plane, 3 for a volume, more for many: 2 to 32 */
    int32_t type;           /* gpudeconv_type */
} gpudeconv_array;

/* --- Options ------------------------------------------------------------------------------------------------------------ */

/* What to do; begins with the defaults. */
typedef struct gpudeconv_options gpudeconv_options;

gpudeconv_status gpudeconv_options_create(gpudeconv_options **options);

/* Sets an option by its name, with - or _ between words, in the notation of the command line: ("iterations", "20"),
 * ("boundary", "zero"), ("psf-spacing", "0.1,0.1,0.1"), ("memory-limit", "8GB"), ("psf-as-is", "true"). A NULL value is the
 * default again. Names, values and defaults are those that `gpudeconv deconvolve --help` lists; those of input and output files
 * count for gpudeconv_deconvolve_file alone.
 * Fails with GPUDECONV_INVALID_ARGUMENT for a name or a value that there is not. Ranges are checked by who uses the options. */
gpudeconv_status gpudeconv_options_set(gpudeconv_options *options, const char *name, const char *value);

/* Whether all options are in their ranges: fails with GPUDECONV_INVALID_ARGUMENT for one that is not. Who uses them checks them too. */
gpudeconv_status gpudeconv_options_check(const gpudeconv_options *options);

/* All options as a JSON array, in the order of their groups: name, keyword, help, type, values, unit, default, range, what they change.
 * On success `*options` is a text that gpudeconv_string_destroy() gives back. */
gpudeconv_status gpudeconv_options_list(char **options);

/* NULL is fine. */
void gpudeconv_options_destroy(gpudeconv_options *options);

/* --- Progress ----------------------------------------------------------------------------------------------------------- */

/* How far a run is. */
typedef struct gpudeconv_progress {
    const char *stage; /* "waiting", "preparing", "compiling", "reading", "computing", "writing" */
    const char *device;          /* the device that has just done something */
    int64_t completed_iterations;
    int64_t total_iterations;    /* over all volumes */
    int64_t finished_volumes;
    int64_t volume_count;
    double seconds_left;         /* NaN where it is not known yet */
    double voxels_per_second;    /* NaN where it is not known yet */
} gpudeconv_progress;

/* Called after every iteration and at every change of stage, and now and then while a run waits for a device: one call at a time, on
 * any thread. What it gets is valid for the call. What it gives other than 0 ends the run with GPUDECONV_CANCELLED, but one
 * that has nothing left to compute may end well all the same. It must return: no exception, no longjmp. */
typedef int32_t (*gpudeconv_progress_callback)(const gpudeconv_progress *progress, void *context);

/* --- Deconvolution ------------------------------------------------------------------------------------------------------ */

/* Contexts of devices, FFT plans, prepared PSFs and transfer functions, kept from call to call: a call like the last one has
 * nothing to set up. Each device computes for one call at a time and the others wait, so that calls from many threads
 * take no more memory than one and no more threads than there are cores. What is kept is given up when another call needs the room. */
typedef struct gpudeconv_session gpudeconv_session;

gpudeconv_status gpudeconv_session_create(gpudeconv_session **session);

/* Frees what is kept and not in use; calls that come later set up anew. */
gpudeconv_status gpudeconv_session_clear(gpudeconv_session *session);

/* No call may be using it. NULL is fine. */
void gpudeconv_session_destroy(gpudeconv_session *session);

/* Deconvolves one volume or many.
 *
 * image: (..., z, y, x), or (y, x) where all arrays are planes.
 * session: NULL for one that lives as long as the call.
 * options: NULL for the defaults.
 * psf: (..., a, b, c), or (b, c). The axes before these broadcast with those of the image as in NumPy. With the option "psf-at",
 * whose value is then a list of places such as "0,10,20" or "0/5/5,0/5/20", the last axis before a PSF's own is that of the places.
 * flat_field, mask: NULL, or (..., z, y, x) or (..., 1, y, x) as the image, which broadcast likewise: how sensitive each voxel is, in any
 *   unit; and 0 on bad voxels, anything else on good ones.
 * result: written; GPUDECONV_FLOAT32, of the shape that all leading axes broadcast to, in any layout without overlap. Undefined after a
 *   failure.
 * callback: NULL for none; context is handed to it.
 * report: NULL, or gets what was done as JSON with the keys of `gpudeconv --report`.
 * A result without elements is made at once, without a device, and then, as after a failure, there is no report: it is NULL. */
gpudeconv_status gpudeconv_deconvolve(
    gpudeconv_session *session,
    const gpudeconv_options *options,
    const gpudeconv_array *image,
    const gpudeconv_array *psf,
    const gpudeconv_array *flat_field,
    const gpudeconv_array *mask,
    const gpudeconv_array *result,
    gpudeconv_progress_callback callback,
    void *context,
    char **report);

/* The same, and how certain the result is: what the halves of the photons of each volume come to. It takes three times as long and keeps
 * nothing in the session.
 *
 * map: written, as result is: a draw of the standard error of each voxel, in the units of the result. Its root mean square over places that are
 *   alike is the standard error.
 * report: has the key `uncertainty`, with the resolution of each PSF's volumes.
 * The option "gain" says how many counts a photon makes; otherwise the image does, or the call fails with GPUDECONV_INVALID_ARGUMENT. */
gpudeconv_status gpudeconv_uncertainty(
    gpudeconv_session *session,
    const gpudeconv_options *options,
    const gpudeconv_array *image,
    const gpudeconv_array *psf,
    const gpudeconv_array *flat_field,
    const gpudeconv_array *mask,
    const gpudeconv_array *result,
    const gpudeconv_array *map,
    gpudeconv_progress_callback callback,
    void *context,
    char **report);

/* What gpudeconv_deconvolve would do, as JSON with the keys of `gpudeconv plan --json`. flat_field and mask may be NULL, and so may the
 * data of all arrays but the PSF. */
gpudeconv_status gpudeconv_plan(
    const gpudeconv_options *options,
    const gpudeconv_array *image,
    const gpudeconv_array *psf,
    const gpudeconv_array *flat_field,
    const gpudeconv_array *mask,
    char **plan);

/* The PSF as it is used: background removed, centered, cropped, resampled to the image's voxels, sum 1.
 * psf: (z, y, x), or (y, x).
 * prepared: gets a C-contiguous array of GPUDECONV_FLOAT32 and rank 3 with the center at n/2, to be given back to gpudeconv_array_destroy. */
gpudeconv_status gpudeconv_prepare_psf(
    const gpudeconv_options *options,
    const gpudeconv_array *psf,
    gpudeconv_array **prepared,
    char **report);

/* The PSF that is computed from the options about the microscope and from `spacing`: sum 1, center at n/2.
 * channel: which of the wavelengths in the options counts, from 0; -1 for all, along one axis more, the first.
 * image_shape: voxels of the image that it is for, z, y, x, beyond which no light is looked at; NULL where that is not known.
 * generated: gets a C-contiguous array of GPUDECONV_FLOAT32 and rank 3, to be given back to gpudeconv_array_destroy. With the option
 *   "psf-at", whose value is then a list of distances from the image's first plane in micrometers or "auto", the last axis before a PSF's
 *   own is that of the places; of 1 where one PSF is enough. Smaller PSFs have zeros around them.
 * report: gets JSON with the keys that `gpudeconv --report` has under `computedPSF`. */
gpudeconv_status gpudeconv_generate_psf(
    const gpudeconv_options *options,
    int64_t channel,
    const int64_t *image_shape,
    gpudeconv_array **generated,
    char **report);

/* Gives back an array that gpudeconv_prepare_psf or gpudeconv_generate_psf made; NULL is fine. */
void gpudeconv_array_destroy(gpudeconv_array *array);

/* What `gpudeconv deconvolve INPUT --psf PSF -o OUTPUT` does: TIFF stacks, Zarr arrays and OME-Zarr images of any number of volumes.
 * psfs: `psf_count` paths or patterns; 0 of them where PSFs are computed. */
gpudeconv_status gpudeconv_deconvolve_file(
    const gpudeconv_options *options,
    const char *input,
    const char *const *psfs,
    int64_t psf_count,
    const char *output,
    gpudeconv_progress_callback callback,
    void *context,
    char **report);

/* What can compute on this machine, as JSON with the keys of `gpudeconv devices --json`. Touches the OpenCL drivers. */
gpudeconv_status gpudeconv_devices(char **devices);

#ifdef __cplusplus
}
#endif

#endif
