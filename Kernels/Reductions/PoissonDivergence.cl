/* partial[group] ← Σ g·ln(g/y) − g + y over the voxels of a box with f > 0 that fall to a work-group;
 * g = max(observed, 0), y = max(f·work + background, floor). A null sensitivity f stands for 1.
 *
 * The box lies in the frame; its origin is given in the coordinates of the work volume. The work-group's size is a
 * power of two.
 */
kernel void poisson_divergence(
    global const OBSERVED *observed, global const float *sensitivity,
    uint frameZ, uint frameY, uint frameX, uint frameExtentY, uint frameExtentX,
    global const float *work, uint rowPitch, ulong planePitch,
    uint originZ, uint originY, uint originX, uint extentZ, uint extentY, uint extentX,
    float background, float least,
    global ACCUMULATOR *partial, local ACCUMULATOR *scratch) {
    size_t count = (size_t)extentZ * extentY * extentX;
    ACCUMULATOR sum = 0;
    for (size_t index = get_global_id(0); index < count; index += get_global_size(0)) {
        size_t x = index % extentX + originX;
        size_t y = index / extentX % extentY + originY;
        size_t z = index / extentX / extentY + originZ;
        size_t recorded = ((z - frameZ) * frameExtentY + (y - frameY)) * frameExtentX + (x - frameX);
        float f = sensitivity ? sensitivity[recorded] : 1.0f;
        if (!(f > 0.0f)) continue;
        ACCUMULATOR g = at_least((float)observed[recorded], 0.0f);
        ACCUMULATOR expected = at_least(f * work[z * planePitch + y * rowPitch + x] + background, least);
        sum += g == 0 ? expected : g * log(g / expected) - g + expected;
    }
    size_t item = get_local_id(0);
    scratch[item] = sum;
    for (size_t half_size = get_local_size(0) / 2; half_size > 0; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_size) scratch[item] += scratch[item + half_size];
    }
    if (item == 0) partial[get_group_id(0)] = scratch[0];
}
