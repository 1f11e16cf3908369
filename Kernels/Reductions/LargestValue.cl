/* partial[group] ← largest value of sign · the work volume among the voxels of a box at (0, 0, 0) that fall to a work-group.
 *
 * Never below 0. The work-group's size is a power of two.
 */
kernel void largest_value(
    global const float *work, uint rowPitch, ulong planePitch, uint extentZ, uint extentY, uint extentX, float sign,
    global float *partial, local float *scratch) {
    size_t rows = (size_t)extentZ * extentY;
    float largest = 0.0f;
    for (size_t row = get_group_id(0); row < rows; row += get_num_groups(0)) {
        size_t start = row / extentY * planePitch + row % extentY * rowPitch;
        for (size_t x = get_local_id(0); x < extentX; x += get_local_size(0)) largest = fmax(largest, sign * work[start + x]);
    }
    size_t item = get_local_id(0);
    scratch[item] = largest;
    for (size_t half_size = get_local_size(0) / 2; half_size > 0; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_size) scratch[item] = fmax(scratch[item], scratch[item + half_size]);
    }
    if (item == 0) partial[get_group_id(0)] = scratch[0];
}
