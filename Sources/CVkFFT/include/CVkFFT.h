#ifndef GPUDECONV_CVKFFT_H
#define GPUDECONV_CVKFFT_H
#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif

#include <CL/cl.h>
#include <stddef.h>
#include <stdint.h>

// VkFFT is a header of 1.6 MB of C without a library. It is compiled here once, for its OpenCL back end, behind the
// functions that we need; Swift never sees the header. Results are those of VkFFT (VkFFTResult): 0 is success.

/// A plan of one direction, in place, single precision, unnormalized.
typedef struct gpudeconv_vkfft_plan gpudeconv_vkfft_plan;

/// What a plan transforms: `batch` times `column_length` rows of `row_length` values. Pitches are in complex values.
typedef struct gpudeconv_vkfft_layout {
    /// Length of a row: real values of a plane, or complex values that lie side by side and are not transformed.
    uint64_t row_length;
    /// Length of the second axis.
    uint64_t column_length;
    /// From one row to the next; 1 where rows are 1 long.
    uint64_t row_pitch;
    /// How often.
    uint64_t batch;
    /// From one of the batch to the next.
    uint64_t batch_pitch;
    /// Complex values of all that is transformed, with the gaps.
    uint64_t value_count;
    /// Whether rows hold real values on one side and half spectra on the other; else only the second axis is transformed.
    int is_real;
    /// Whether half spectra become rows, and phases have the positive sign.
    int is_inverse;
} gpudeconv_vkfft_layout;

/// What gives VkFFT the programs of its kernels.
typedef struct gpudeconv_vkfft_compiler {
    /// A program that was built from a source for the plan's device and context, and is the caller's to release; NULL where
    /// none can be had. Called by the thread that makes a plan, with `owner`.
    cl_program (*build)(void *owner, const char *source);
    void *owner;
} gpudeconv_vkfft_compiler;

/// Who wants to know of the kernels of a transform.
typedef struct gpudeconv_vkfft_watcher {
    /// Called after each kernel that was enqueued, by the thread that runs the transform, with `owner`.
    void (*launched)(void *owner);
    void *owner;
} gpudeconv_vkfft_watcher;

/// Makes a plan from kernels that `compiler` gives.
/// `log` takes what VkFFT says when it fails.
int gpudeconv_vkfft_create(
    const gpudeconv_vkfft_layout *layout, cl_device_id device, cl_context context,
    const gpudeconv_vkfft_compiler *compiler, char *log, size_t log_bytes, gpudeconv_vkfft_plan **plan);

/// Bytes of scratch memory that the plan needs when it runs; 0 for lengths that fit into the device's local memory.
uint64_t gpudeconv_vkfft_temporary_bytes(const gpudeconv_vkfft_plan *plan);

/// Enqueues the transform of a buffer whose first plane is at its start. A plan belongs to one thread at a time.
/// `watcher` is told of its kernels, or is NULL. `opencl_status` takes what OpenCL said of a kernel that it did not take, else `CL_SUCCESS`.
int gpudeconv_vkfft_run(
    gpudeconv_vkfft_plan *plan, cl_command_queue queue, cl_mem buffer, cl_mem temporary,
    const gpudeconv_vkfft_watcher *watcher, char *log, size_t log_bytes, cl_int *opencl_status);

/// Releases a plan, or does nothing with NULL.
void gpudeconv_vkfft_destroy(gpudeconv_vkfft_plan *plan);

/// Whether a result means that the device or this machine has no memory left.
int gpudeconv_vkfft_is_out_of_memory(int result);

/// The name of a result in the header, or NULL where its OpenCL back end has no such result.
const char *gpudeconv_vkfft_result_name(int result);

/// The version of the header, as VkFFT counts: 10226 for 1.2.26.
int gpudeconv_vkfft_version(void);

#endif
