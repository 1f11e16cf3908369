/* What every kernel shares.
 *
 * The work volume holds real planes of `workY` rows; a row has `rowPitch` floats (the real transform needs room for
 * its half spectrum), a plane `planePitch` floats. Fields are contiguous: z, y, x with x fastest.
 * Items run over (x, y, z); x and y are rounded up to the work-group, so kernels guard both.
 *
 * OBSERVED    type of the observed voxels as stored: uchar, ushort or float
 * ACCUMULATOR type of sums: double where the device has it, else float
 */
#ifdef USES_DOUBLE
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

/* The larger of two values, and a NaN where `value` is one, which fmax would pass over: a result that is none must be seen. */
static inline float at_least(float value, float least) { return value < least ? least : value; }

/* Whether a coordinate lies in the half-open range that starts at `origin`. */
static inline int is_inside(size_t coordinate, uint origin, uint extent) {
    return coordinate >= origin && coordinate < (size_t)origin + extent;
}
