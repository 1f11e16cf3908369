/* partial[group] ← Σ f·work over the voxels of a box, the frame, that fall to a work-group; a null sensitivity f stands for 1.
 *
 * The work-group's size is a power of two.
 */
kernel void sum_projection(
    global const float *sensitivity, global const float *work, uint rowPitch, ulong planePitch,
    uint originZ, uint originY, uint originX, uint extentZ, uint extentY, uint extentX,
    global ACCUMULATOR *partial, local ACCUMULATOR *scratch) {
    size_t count = (size_t)extentZ * extentY * extentX;
    ACCUMULATOR sum = 0;
    for (size_t index = get_global_id(0); index < count; index += get_global_size(0)) {
        size_t x = index % extentX + originX;
        size_t y = index / extentX % extentY + originY;
        size_t z = index / extentX / extentY + originZ;
        float f = sensitivity ? sensitivity[index] : 1.0f;
        sum += f * work[z * planePitch + y * rowPitch + x];
    }
    size_t item = get_local_id(0);
    scratch[item] = sum;
    for (size_t half_size = get_local_size(0) / 2; half_size > 0; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_size) scratch[item] += scratch[item + half_size];
    }
    if (item == 0) partial[get_group_id(0)] = scratch[0];
}
