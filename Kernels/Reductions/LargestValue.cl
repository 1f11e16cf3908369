/* partial[group] ← largest value of the work volume among the voxels of a box at (0, 0, 0) that fall to a work-group.
 *
 * Never below 0. The work-group's size is a power of two.
 */
kernel void largest_value(
    global const float *work, uint rowPitch, ulong planePitch, uint extentZ, uint extentY, uint extentX,
    global float *partial, local float *scratch) {
    size_t count = (size_t)extentZ * extentY * extentX;
    float largest = 0.0f;
    for (size_t index = get_global_id(0); index < count; index += get_global_size(0)) {
        size_t x = index % extentX, y = index / extentX % extentY, z = index / extentX / extentY;
        largest = fmax(largest, work[z * planePitch + y * rowPitch + x]);
    }
    size_t item = get_local_id(0);
    scratch[item] = largest;
    for (size_t half_size = get_local_size(0) / 2; half_size > 0; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_size) scratch[item] = fmax(scratch[item], scratch[item + half_size]);
    }
    if (item == 0) partial[get_group_id(0)] = scratch[0];
}
