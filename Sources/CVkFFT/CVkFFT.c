#define _GNU_SOURCE
#include "CVkFFT.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A library prints nothing: what VkFFT would print is the reason of a failure, and goes to whoever asked for the plan.
static _Thread_local char *log_text;
static _Thread_local size_t log_room;

__attribute__((format(printf, 1, 2))) static int append_to_log(const char *format, ...) {
    if (log_room < 2) return 0;
    va_list arguments;
    va_start(arguments, format);
    int count = vsnprintf(log_text, log_room, format, arguments);
    va_end(arguments);
    size_t written = count < 0 ? 0 : (size_t)count < log_room ? (size_t)count : log_room - 1;
    log_text += written;
    log_room -= written;
    return count;
}

static void start_log(char *log, size_t log_bytes) {
    log_text = log;
    log_room = log_bytes;
    if (log_bytes > 0) log[0] = 0;
}

// VkFFT would set the locale of the whole process while it writes kernels; `gpudeconv_vkfft_create` sets the thread's.
static char *no_locale_change(int category, const char *locale) {
    (void)category;
    (void)locale;
    return "C";
}

// VkFFT compiles every plan's kernels anew, and its own way of keeping them takes binaries for text. So its calls of the
// compiler come here, and whoever asked for the plan has programs kept. Each plan has its own kernels.
static _Thread_local const gpudeconv_vkfft_compiler *compiler_of_plan;

static cl_program create_program(
    cl_context context, cl_uint count, const char **sources, const size_t *lengths, cl_int *status) {
    (void)context;
    (void)count;
    (void)lengths;
    // VkFFT gives one text that ends with 0.
    cl_program program = compiler_of_plan->build(compiler_of_plan->owner, sources[0]);
    *status = program ? CL_SUCCESS : CL_BUILD_PROGRAM_FAILURE;
    return program;
}

static cl_int built_already(
    cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
    void(CL_CALLBACK *notify)(cl_program, void *), void *data) {
    (void)program;
    (void)count;
    (void)devices;
    (void)options;
    (void)notify;
    (void)data;
    return CL_SUCCESS;
}

// VkFFT takes as many work-items into a group, and as much local memory, as the device allows. On a GPU that is right. On a
// CPU each item's values lie on the stack of the thread that runs the group: PoCL 3.1 allows 4096 items and 2 MiB, with which
// one kernel of VkFFT wanted 17 MB of stack and ended the process. With these limits every kernel tried stays below 1 MB, for
// stacks have 2 MB where `ulimit -s` says unlimited. More local memory makes kernels that take minutes to compile.
enum { cpu_local_bytes = 128 << 10, cpu_least_items = 256, cpu_most_items = 1024, cpu_vendor = 0x8086 };

static _Thread_local uint64_t cpu_items;

// The items of a group that transforms columns of a length, 8 beside each other: the least number with which a column is
// shared by so many that none has more than 32 values, for kernels are written out for all values of an item.
static uint64_t items_for_columns(uint64_t length) {
    for (uint64_t items = cpu_least_items; items < cpu_most_items; items *= 2)
        for (uint64_t share = 1; share <= items / 8; share++)
            if (length % share == 0 && length / share <= 32) return items;
    return cpu_most_items;
}

static cl_int get_device_info(cl_device_id device, cl_device_info name, size_t bytes, void *value, size_t *value_bytes) {
    cl_int status = clGetDeviceInfo(device, name, bytes, value, value_bytes);
    if (status != CL_SUCCESS || !value) return status;
    cl_device_type type = 0;
    if (clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof type, &type, NULL) != CL_SUCCESS) return status;
    if (!(type & CL_DEVICE_TYPE_CPU)) return status;
    if (name == CL_DEVICE_MAX_WORK_GROUP_SIZE && bytes == sizeof(size_t)) {
        if (*(size_t *)value > cpu_items) *(size_t *)value = cpu_items;
    } else if (name == CL_DEVICE_LOCAL_MEM_SIZE && bytes == sizeof(cl_ulong)) {
        if (*(cl_ulong *)value > cpu_local_bytes) *(cl_ulong *)value = cpu_local_bytes;
    } else if (name == CL_DEVICE_VENDOR_ID && bytes == sizeof(cl_uint)) {
        // PoCL numbers its devices in it, and VkFFT writes other kernels for other vendors.
        *(cl_uint *)value = cpu_vendor;
    }
    return status;
}

// Of a kernel that OpenCL does not take VkFFT says only that; this says why.
static _Thread_local cl_int launch_status;

// Told of every launch of a transform, or NULL.
static _Thread_local const gpudeconv_vkfft_watcher *watcher_of_run;

static cl_int enqueue_kernel(
    cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *items,
    const size_t *group, cl_uint wait_count, const cl_event *waits, cl_event *event) {
    launch_status = clEnqueueNDRangeKernel(
        queue, kernel, dimensions, offset, items, group, wait_count, waits, event);
    if (watcher_of_run && launch_status == CL_SUCCESS) watcher_of_run->launched(watcher_of_run->owner);
    return launch_status;
}

#define VKFFT_BACKEND 3
#define clGetDeviceInfo get_device_info
#define printf append_to_log
#define setlocale no_locale_change
#define clCreateProgramWithSource create_program
#define clBuildProgram built_already
#define clEnqueueNDRangeKernel enqueue_kernel
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#if __has_include(<vkFFT.h>)
#include <vkFFT.h>
#else
#include <vkFFT/vkFFT.h>
#endif
#pragma clang diagnostic pop
#undef printf
#undef setlocale
#undef clCreateProgramWithSource
#undef clBuildProgram
#undef clEnqueueNDRangeKernel
#undef clGetDeviceInfo

struct gpudeconv_vkfft_plan {
    VkFFTApplication application;
    int is_inverse;
    // VkFFT keeps pointers to these.
    cl_device_id device;
    cl_context context;
    cl_mem buffer;
    cl_mem temporary;
    uint64_t buffer_bytes;
    uint64_t temporary_bytes;
};

int gpudeconv_vkfft_create(
    const gpudeconv_vkfft_layout *layout, cl_device_id device, cl_context context,
    const gpudeconv_vkfft_compiler *compiler, char *log, size_t log_bytes, gpudeconv_vkfft_plan **result) {
    *result = NULL;
    start_log(log, log_bytes);
    gpudeconv_vkfft_plan *plan = calloc(1, sizeof *plan);
    if (!plan) return VKFFT_ERROR_MALLOC_FAILED;
    plan->is_inverse = layout->is_inverse;
    plan->device = device;
    plan->context = context;
    plan->buffer_bytes = layout->value_count * 8;
    plan->temporary_bytes = plan->buffer_bytes;

    VkFFTConfiguration configuration = {0};
    configuration.device = &plan->device;
    configuration.context = &plan->context;
    configuration.bufferSize = &plan->buffer_bytes;
    // VkFFT looks at the length of what it writes only when it is written.
    configuration.maxTempLength = 1 << 16;
    // Our scratch buffer serves all plans; it is given when the plan runs.
    configuration.userTempBuffer = 1;
    configuration.tempBufferSize = &plan->temporary_bytes;
    configuration.numberBatches = layout->batch;
    configuration.makeForwardPlanOnly = !layout->is_inverse;
    configuration.makeInversePlanOnly = layout->is_inverse != 0;
    configuration.performR2C = layout->is_real != 0;
    configuration.size[1] = 1;
    configuration.size[2] = 1;
    // Batches lie at the last of the three strides.
    configuration.bufferStride[1] = layout->batch_pitch;
    configuration.bufferStride[2] = layout->batch_pitch;
    if (layout->column_length > 1 && layout->row_length > 1) {
        configuration.FFTdim = 2;
        configuration.size[0] = layout->row_length;
        configuration.size[1] = layout->column_length;
        configuration.omitDimension[0] = !layout->is_real;
        configuration.bufferStride[0] = layout->row_pitch;
    } else {
        // One line a plane; VkFFT takes the batch of those for a second axis.
        configuration.FFTdim = 1;
        configuration.size[0] = layout->row_length > 1 ? layout->row_length : layout->column_length;
        configuration.bufferStride[0] = layout->batch_pitch;
    }

    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t previous = uselocale(c_locale);
    compiler_of_plan = compiler;
    cpu_items = items_for_columns(layout->column_length);
    int status = initializeVkFFT(&plan->application, configuration);
    compiler_of_plan = NULL;
    uselocale(previous);
    if (c_locale) freelocale(c_locale);
    start_log(NULL, 0);
    if (status != VKFFT_SUCCESS) {
        // VkFFT has released what it made.
        free(plan);
        return status;
    }

    const VkFFTPlan *stages = plan->is_inverse ? plan->application.localFFTPlan_inverse : plan->application.localFFTPlan;
    uint64_t most_uploads = stages->multiUploadR2C ? 2 : 1;
    for (uint64_t axis = 0; axis < configuration.FFTdim; axis++)
        if (stages->numAxisUploads[axis] > most_uploads) most_uploads = stages->numAxisUploads[axis];
    // VkFFT has raised it where Bluestein's algorithm needs more than what is transformed.
    if (most_uploads == 1) plan->temporary_bytes = 0;
    *result = plan;
    return VKFFT_SUCCESS;
}

uint64_t gpudeconv_vkfft_temporary_bytes(const gpudeconv_vkfft_plan *plan) { return plan->temporary_bytes; }

int gpudeconv_vkfft_run(
    gpudeconv_vkfft_plan *plan, cl_command_queue queue, cl_mem buffer, cl_mem temporary,
    const gpudeconv_vkfft_watcher *watcher, char *log, size_t log_bytes, cl_int *opencl_status) {
    start_log(log, log_bytes);
    launch_status = CL_SUCCESS;
    plan->buffer = buffer;
    // Without scratch memory VkFFT still wants to be given some.
    plan->temporary = plan->temporary_bytes > 0 ? temporary : buffer;
    VkFFTLaunchParams parameters = {0};
    parameters.commandQueue = &queue;
    parameters.buffer = &plan->buffer;
    parameters.tempBuffer = &plan->temporary;
    watcher_of_run = watcher;
    int status = VkFFTAppend(&plan->application, plan->is_inverse ? 1 : -1, &parameters);
    watcher_of_run = NULL;
    start_log(NULL, 0);
    *opencl_status = status == VKFFT_ERROR_FAILED_TO_LAUNCH_KERNEL ? launch_status : CL_SUCCESS;
    return status;
}

void gpudeconv_vkfft_destroy(gpudeconv_vkfft_plan *plan) {
    if (!plan) return;
    deleteVkFFT(&plan->application);
    free(plan);
}

int gpudeconv_vkfft_is_out_of_memory(int result) {
    switch (result) {
    case VKFFT_ERROR_MALLOC_FAILED:
    case VKFFT_ERROR_FAILED_TO_ALLOCATE:
    case VKFFT_ERROR_FAILED_TO_ALLOCATE_MEMORY:
    case VKFFT_ERROR_FAILED_TO_CREATE_BUFFER:
        return 1;
    default:
        return 0;
    }
}

const char *gpudeconv_vkfft_result_name(int result) {
#define NAME(result) \
    case result: \
        return #result
    switch (result) {
        NAME(VKFFT_ERROR_MALLOC_FAILED);
        NAME(VKFFT_ERROR_INSUFFICIENT_CODE_BUFFER);
        NAME(VKFFT_ERROR_INSUFFICIENT_TEMP_BUFFER);
        NAME(VKFFT_ERROR_PLAN_NOT_INITIALIZED);
        NAME(VKFFT_ERROR_NULL_TEMP_PASSED);
        NAME(VKFFT_ERROR_INVALID_DEVICE);
        NAME(VKFFT_ERROR_INVALID_QUEUE);
        NAME(VKFFT_ERROR_ONLY_FORWARD_FFT_INITIALIZED);
        NAME(VKFFT_ERROR_ONLY_INVERSE_FFT_INITIALIZED);
        NAME(VKFFT_ERROR_INVALID_CONTEXT);
        NAME(VKFFT_ERROR_EMPTY_FFTdim);
        NAME(VKFFT_ERROR_EMPTY_size);
        NAME(VKFFT_ERROR_EMPTY_bufferSize);
        NAME(VKFFT_ERROR_EMPTY_buffer);
        NAME(VKFFT_ERROR_EMPTY_tempBufferSize);
        NAME(VKFFT_ERROR_EMPTY_tempBuffer);
        NAME(VKFFT_ERROR_UNSUPPORTED_RADIX);
        NAME(VKFFT_ERROR_UNSUPPORTED_FFT_LENGTH);
        NAME(VKFFT_ERROR_UNSUPPORTED_FFT_LENGTH_R2C);
        NAME(VKFFT_ERROR_UNSUPPORTED_FFT_LENGTH_DCT);
        NAME(VKFFT_ERROR_UNSUPPORTED_FFT_OMIT);
        NAME(VKFFT_ERROR_FAILED_TO_ALLOCATE);
        NAME(VKFFT_ERROR_FAILED_TO_CREATE_BUFFER);
        NAME(VKFFT_ERROR_FAILED_TO_ALLOCATE_MEMORY);
        NAME(VKFFT_ERROR_FAILED_TO_SYNCHRONIZE);
        NAME(VKFFT_ERROR_FAILED_TO_COPY);
        NAME(VKFFT_ERROR_FAILED_TO_CREATE_PROGRAM);
        NAME(VKFFT_ERROR_FAILED_TO_COMPILE_PROGRAM);
        NAME(VKFFT_ERROR_FAILED_TO_GET_CODE_SIZE);
        NAME(VKFFT_ERROR_FAILED_TO_GET_CODE);
        NAME(VKFFT_ERROR_FAILED_TO_LOAD_MODULE);
        NAME(VKFFT_ERROR_FAILED_TO_GET_FUNCTION);
        NAME(VKFFT_ERROR_FAILED_TO_LAUNCH_KERNEL);
        NAME(VKFFT_ERROR_FAILED_TO_GET_DEVICE);
        NAME(VKFFT_ERROR_FAILED_TO_SET_KERNEL_ARG);
        NAME(VKFFT_ERROR_FAILED_TO_CREATE_COMMAND_QUEUE);
        NAME(VKFFT_ERROR_FAILED_TO_RELEASE_COMMAND_QUEUE);
        NAME(VKFFT_ERROR_FAILED_TO_GET_ATTRIBUTE);
    }
#undef NAME
    return NULL;
}

int gpudeconv_vkfft_version(void) { return VkFFTGetVersion(); }
