/* Everything that gpudeconv.h offers, from C99: prints what goes wrong and ends with the number of failures.
 *
 * Usage: program [FOLDER]; with a folder, where files may be written, it deconvolves FOLDER/image.tif with FOLDER/psf.tif. */
#include "gpudeconv.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                                                             \
    do {                                                                                             \
        if (!(condition)) {                                                                          \
            printf("line %d: %s; last error: %s\n", __LINE__, #condition, gpudeconv_last_error());   \
            failures++;                                                                              \
        }                                                                                            \
    } while (0)

enum { Z = 6, Y = 10, X = 12, IMAGES = 3, PSF = 5 };

static uint16_t image[IMAGES][Z][Y][X];
static float psf[PSF][PSF][PSF];
static const int64_t image_shape[] = {IMAGES, Z, Y, X};
static const int64_t psf_shape[] = {PSF, PSF, PSF};

static gpudeconv_array array(void *data, const int64_t *shape, int32_t rank, gpudeconv_type type) {
    gpudeconv_array made = {data, shape, NULL, rank, (int32_t)type};
    return made;
}

static void make_input(void) {
    for (int n = 0; n < IMAGES; n++)
        for (int z = 0; z < Z; z++)
            for (int y = 0; y < Y; y++)
                for (int x = 0; x < X; x++) image[n][z][y][x] = (uint16_t)(100 + 37 * n + (z * 7 + y * 5 + x * 3) % 50);
    for (int z = 0; z < PSF; z++)
        for (int y = 0; y < PSF; y++)
            for (int x = 0; x < PSF; x++) {
                int r = (z - 2) * (z - 2) + (y - 2) * (y - 2) + (x - 2) * (x - 2);
                psf[z][y][x] = expf(-0.5f * (float)r);
            }
}

static gpudeconv_options *make_options(const char *boundary) {
    gpudeconv_options *options = NULL;
    CHECK(gpudeconv_options_create(&options) == GPUDECONV_OK);
    CHECK(gpudeconv_options_set(options, "iterations", "4") == GPUDECONV_OK);
    CHECK(gpudeconv_options_set(options, "boundary", boundary) == GPUDECONV_OK);
    CHECK(gpudeconv_options_set(options, "backend", "cpu") == GPUDECONV_OK);
    CHECK(gpudeconv_options_set(options, "psf-as-is", "true") == GPUDECONV_OK);
    return options;
}

static gpudeconv_status run(
    gpudeconv_session *session,
    const gpudeconv_options *options,
    void *result,
    gpudeconv_progress_callback callback,
    void *context,
    char **report) {
    gpudeconv_array images = array(image, image_shape, 4, GPUDECONV_UINT16);
    gpudeconv_array kernel = array(psf, psf_shape, 3, GPUDECONV_FLOAT32);
    gpudeconv_array sharp = array(result, image_shape, 4, GPUDECONV_FLOAT32);
    return gpudeconv_deconvolve(
        session, options, &images, &kernel, NULL, NULL, &sharp, callback, context, report);
}

/* A PSF of one voxel leaves an image as it is: the answer is known. */
static void test_identity(gpudeconv_session *session) {
    static float result[IMAGES][Z][Y][X];
    static float point = 3;
    static const int64_t one[] = {1, 1, 1};
    /* Reversed along x, and volumes at every other place. */
    static const int64_t shape[] = {2, Z, Y, X};
    static const int64_t strides[] = {2 * Z * Y * X * 2, Y * X * 2, X * 2, -2};
    gpudeconv_options *options = make_options("zero");
    gpudeconv_array images = {&image[0][0][0][X - 1], shape, strides, 4, GPUDECONV_UINT16};
    gpudeconv_array kernel = array(&point, one, 3, GPUDECONV_FLOAT32);
    gpudeconv_array sharp = array(result, shape, 4, GPUDECONV_FLOAT32);
    CHECK(
        gpudeconv_deconvolve(session, options, &images, &kernel, NULL, NULL, &sharp, NULL, NULL, NULL)
        == GPUDECONV_OK);
    for (int n = 0; n < 2; n++)
        for (int z = 0; z < Z; z++)
            for (int y = 0; y < Y; y++)
                for (int x = 0; x < X; x++)
                    CHECK(fabsf(result[n][z][y][x] - (float)image[2 * n][z][y][X - 1 - x]) < 0.01f);
    gpudeconv_options_destroy(options);
}

/* Where nothing is blurred, the variance of a voxel is that of its photons. */
static void test_uncertainty(gpudeconv_session *session) {
    static float result[IMAGES][Z][Y][X], map[IMAGES][Z][Y][X];
    static float point = 3;
    static const int64_t one[] = {1, 1, 1};
    gpudeconv_options *options = make_options("zero");
    gpudeconv_array images = array(image, image_shape, 4, GPUDECONV_UINT16);
    gpudeconv_array kernel = array(&point, one, 3, GPUDECONV_FLOAT32);
    gpudeconv_array sharp = array(result, image_shape, 4, GPUDECONV_FLOAT32);
    gpudeconv_array errors = array(map, image_shape, 4, GPUDECONV_FLOAT32);
    char *report = NULL;
    CHECK(gpudeconv_options_set(options, "gain", "1") == GPUDECONV_OK);
    CHECK(
        gpudeconv_uncertainty(
            session, options, &images, &kernel, NULL, NULL, &sharp, &errors, NULL, NULL, &report)
        == GPUDECONV_OK);
    CHECK(report != NULL && strstr(report, "\"uncertainty\"") != NULL);
    double squares = 0, photons = 0;
    for (int i = 0; i < IMAGES * Z * Y * X; i++) {
        squares += (&map[0][0][0][0])[i] * (&map[0][0][0][0])[i];
        photons += (&result[0][0][0][0])[i];
    }
    /* Less than all of them where a level of the camera is found in the dark parts. */
    CHECK(squares > 0.02 * photons && squares < 1.5 * photons);
    gpudeconv_string_destroy(report);
    errors = array(map, image_shape + 1, 3, GPUDECONV_FLOAT32);
    CHECK(
        gpudeconv_uncertainty(session, options, &images, &kernel, NULL, NULL, &sharp, &errors, NULL, NULL, NULL)
        == GPUDECONV_INVALID_ARGUMENT);
    CHECK(strstr(gpudeconv_last_error(), "the map has shape") != NULL);
    gpudeconv_options_destroy(options);
}

static int32_t count_calls(const gpudeconv_progress *progress, void *context) {
    int *calls = context;
    CHECK(progress->stage[0] != '\0' && progress->device[0] != '\0');
    CHECK(progress->total_iterations == 4 * IMAGES && progress->volume_count == IMAGES);
    CHECK(progress->completed_iterations <= progress->total_iterations);
    return ++*calls < 0;
}

static int32_t stop_at_once(const gpudeconv_progress *progress, void *context) {
    (void)progress;
    (void)context;
    return 1;
}

static void test_progress_report_and_stop(gpudeconv_session *session) {
    static float result[IMAGES][Z][Y][X];
    gpudeconv_options *options = make_options("extend");
    int calls = 0;
    char *report = NULL;
    CHECK(run(session, options, result, count_calls, &calls, &report) == GPUDECONV_OK);
    CHECK(calls >= 4 * IMAGES);
    CHECK(report != NULL && strstr(report, "\"secondsPerIteration\"") != NULL);
    gpudeconv_string_destroy(report);
    CHECK(run(session, options, result, stop_at_once, NULL, NULL) == GPUDECONV_CANCELLED);
    gpudeconv_options_destroy(options);
}

static void test_errors(gpudeconv_session *session) {
    static float result[IMAGES][Z][Y][X];
    gpudeconv_options *options = make_options("extend");
    CHECK(gpudeconv_options_set(options, "no-such-option", "1") == GPUDECONV_INVALID_ARGUMENT);
    CHECK(strstr(gpudeconv_last_error(), "no-such-option") != NULL);
    CHECK(gpudeconv_options_set(options, "boundary", "sideways") == GPUDECONV_INVALID_ARGUMENT);
    CHECK(strstr(gpudeconv_last_error(), "sideways") != NULL && strstr(gpudeconv_last_error(), "periodic") != NULL);
    CHECK(gpudeconv_options_set(options, "method", "guessing") == GPUDECONV_INVALID_ARGUMENT);
    CHECK(gpudeconv_options_set(options, "method", "richardson-lucy") == GPUDECONV_OK);
    CHECK(gpudeconv_options_set(options, "device", "\xff\xfe") == GPUDECONV_INVALID_ARGUMENT);
    CHECK(gpudeconv_options_set(options, "iterations", "0") == GPUDECONV_OK);
    CHECK(run(session, options, result, NULL, NULL, NULL) == GPUDECONV_INVALID_ARGUMENT);
    CHECK(gpudeconv_options_set(options, "iterations", NULL) == GPUDECONV_OK);
    CHECK(gpudeconv_options_set(NULL, "iterations", "1") == GPUDECONV_INVALID_ARGUMENT);
    CHECK(gpudeconv_options_create(NULL) == GPUDECONV_INVALID_ARGUMENT);

    gpudeconv_array images = array(image, image_shape, 4, GPUDECONV_UINT16);
    gpudeconv_array kernel = array(psf, psf_shape, 3, GPUDECONV_FLOAT32);
    gpudeconv_array sharp = array(result, image_shape + 1, 3, GPUDECONV_FLOAT32);
    /* A result of another shape. */
    CHECK(
        gpudeconv_deconvolve(session, options, &images, &kernel, NULL, NULL, &sharp, NULL, NULL, NULL)
        == GPUDECONV_INVALID_ARGUMENT);
    sharp = array(result, image_shape, 4, GPUDECONV_FLOAT32);
    /* A type that there is not. */
    images.type = 99;
    CHECK(
        gpudeconv_deconvolve(session, options, &images, &kernel, NULL, NULL, &sharp, NULL, NULL, NULL)
        == GPUDECONV_INVALID_ARGUMENT);
    /* NaN. */
    static float bad[IMAGES][Z][Y][X];
    bad[1][2][3][4] = NAN;
    images = array(bad, image_shape, 4, GPUDECONV_FLOAT32);
    CHECK(
        gpudeconv_deconvolve(session, options, &images, &kernel, NULL, NULL, &sharp, NULL, NULL, NULL)
        == GPUDECONV_INVALID_DATA);
    /* Nothing in, nothing out. */
    static const int64_t nothing[] = {0, Z, Y, X};
    images = array(NULL, nothing, 4, GPUDECONV_UINT16);
    sharp = array(NULL, nothing, 4, GPUDECONV_FLOAT32);
    CHECK(
        gpudeconv_deconvolve(session, options, &images, &kernel, NULL, NULL, &sharp, NULL, NULL, NULL)
        == GPUDECONV_OK);
    gpudeconv_options_destroy(options);
    gpudeconv_options_destroy(NULL);
    gpudeconv_string_destroy(NULL);
    gpudeconv_array_destroy(NULL);
    gpudeconv_session_destroy(NULL);
}

static void test_plan_psf_and_devices(void) {
    gpudeconv_options *options = make_options("extend");
    CHECK(gpudeconv_options_set(options, "psf-as-is", NULL) == GPUDECONV_OK);
    gpudeconv_array images = array(NULL, image_shape, 4, GPUDECONV_UINT16);
    gpudeconv_array kernel = array(psf, psf_shape, 3, GPUDECONV_FLOAT32);
    char *text = NULL;
    CHECK(gpudeconv_plan(options, &images, &kernel, NULL, NULL, &text) == GPUDECONV_OK);
    CHECK(text != NULL && strstr(text, "\"workShape\"") != NULL);
    gpudeconv_string_destroy(text);
    gpudeconv_array mask = array(NULL, image_shape + 1, 3, GPUDECONV_UINT8);
    CHECK(gpudeconv_plan(options, &images, &kernel, NULL, &mask, &text) == GPUDECONV_OK);
    gpudeconv_string_destroy(text);
    CHECK(gpudeconv_plan(options, &images, &kernel, &kernel, NULL, &text) == GPUDECONV_INVALID_ARGUMENT);
    CHECK(text == NULL && strstr(gpudeconv_last_error(), "the flat field has volumes of") != NULL);

    CHECK(gpudeconv_options_check(options) == GPUDECONV_OK);
    CHECK(gpudeconv_options_check(NULL) == GPUDECONV_INVALID_ARGUMENT);
    CHECK(gpudeconv_options_set(options, "iterations", "0") == GPUDECONV_OK);
    CHECK(gpudeconv_options_check(options) == GPUDECONV_INVALID_ARGUMENT);
    CHECK(gpudeconv_options_set(options, "iterations", NULL) == GPUDECONV_OK);

    gpudeconv_array *prepared = NULL;
    CHECK(gpudeconv_prepare_psf(options, &kernel, &prepared, &text) == GPUDECONV_OK);
    CHECK(text != NULL && text[0] == '{');
    gpudeconv_string_destroy(text);
    CHECK(prepared != NULL && prepared->rank == 3 && prepared->type == GPUDECONV_FLOAT32);
    double sum = 0;
    for (int64_t n = 0; n < prepared->shape[0] * prepared->shape[1] * prepared->shape[2]; n++)
        sum += ((const float *)prepared->data)[n];
    CHECK(fabs(sum - 1) < 1e-5);
    gpudeconv_array_destroy(prepared);

    CHECK(gpudeconv_devices(&text) == GPUDECONV_OK);
    CHECK(text != NULL && strstr(text, "\"cpu\"") != NULL);
    gpudeconv_string_destroy(text);
    gpudeconv_options_destroy(options);
}

static gpudeconv_session *shared;
static float expected[2][IMAGES][Z][Y][X];

static void *run_often(void *boundary) {
    static const char *const names[] = {"extend", "zero"};
    int which = *(int *)boundary;
    float *result = malloc(sizeof expected[0]);
    gpudeconv_options *options = make_options(names[which]);
    for (int n = 0; n < 10; n++) {
        memset(result, 0, sizeof expected[0]);
        CHECK(run(shared, options, result, NULL, NULL, NULL) == GPUDECONV_OK);
        CHECK(memcmp(result, expected[which], sizeof expected[0]) == 0);
    }
    gpudeconv_options_destroy(options);
    free(result);
    return NULL;
}

static void test_threads(void) {
    pthread_t threads[8];
    int which[8];
    CHECK(gpudeconv_session_create(&shared) == GPUDECONV_OK);
    for (int n = 0; n < 2; n++) {
        gpudeconv_options *options = make_options(n ? "zero" : "extend");
        CHECK(run(NULL, options, expected[n], NULL, NULL, NULL) == GPUDECONV_OK);
        gpudeconv_options_destroy(options);
    }
    for (int n = 0; n < 8; n++) {
        which[n] = n % 2;
        CHECK(pthread_create(&threads[n], NULL, run_often, &which[n]) == 0);
    }
    for (int n = 0; n < 8; n++) pthread_join(threads[n], NULL);
    CHECK(gpudeconv_session_clear(shared) == GPUDECONV_OK);
    gpudeconv_session_destroy(shared);
}

static void test_files(const char *folder) {
    char input[4096], kernel[4096], output[4096];
    snprintf(input, sizeof input, "%s/image.tif", folder);
    snprintf(kernel, sizeof kernel, "%s/psf.tif", folder);
    snprintf(output, sizeof output, "%s/result.tif", folder);
    gpudeconv_options *options = make_options("extend");
    const char *kernels[] = {kernel};
    char *report = NULL;
    CHECK(
        gpudeconv_deconvolve_file(options, input, kernels, 1, output, NULL, NULL, &report) == GPUDECONV_OK);
    CHECK(report != NULL && strstr(report, "\"iterations\" : 4") != NULL);
    gpudeconv_string_destroy(report);
    CHECK(
        gpudeconv_deconvolve_file(options, input, kernels, 1, output, NULL, NULL, NULL)
        == GPUDECONV_OUTPUT_EXISTS);
    CHECK(strstr(gpudeconv_last_error(), "overwrite=True") != NULL);
    CHECK(
        gpudeconv_deconvolve_file(options, "/no/such/file.tif", kernels, 1, output, NULL, NULL, NULL)
        == GPUDECONV_INPUT_NOT_FOUND);
    CHECK(strstr(gpudeconv_last_error(), "/no/such/file.tif") != NULL);
    gpudeconv_options_destroy(options);
}

int main(int count, char **arguments) {
    CHECK(gpudeconv_abi_version() == GPUDECONV_ABI_VERSION);
    CHECK(gpudeconv_version()[0] != '\0');
    CHECK(strcmp(gpudeconv_last_error(), "") == 0);
    make_input();
    gpudeconv_session *session = NULL;
    CHECK(gpudeconv_session_create(&session) == GPUDECONV_OK);
    test_identity(session);
    test_uncertainty(session);
    test_progress_report_and_stop(session);
    test_errors(session);
    test_plan_psf_and_devices();
    test_threads();
    if (count > 1) test_files(arguments[1]);
    gpudeconv_session_destroy(session);
    return failures > 99 ? 99 : failures;
}
