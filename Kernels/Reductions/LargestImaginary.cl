/* partial[group] ← largest absolute imaginary part among the values of a spectrum that fall to a work-group.
 *
 * The work-group's size is a power of two.
 */
kernel void largest_imaginary(global const float2 *spectrum, ulong count, global float *partial, local float *scratch) {
    float largest = 0.0f;
    for (size_t index = get_global_id(0); index < count; index += get_global_size(0))
        largest = fmax(largest, fabs(spectrum[index].y));
    size_t item = get_local_id(0);
    scratch[item] = largest;
    for (size_t half_size = get_local_size(0) / 2; half_size > 0; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_size) scratch[item] = fmax(scratch[item], scratch[item + half_size]);
    }
    if (item == 0) partial[get_group_id(0)] = scratch[0];
}
