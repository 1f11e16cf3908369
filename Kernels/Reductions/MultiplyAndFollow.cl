/* estimate ← x = estimate · max(work · normalization, least), as `multiply_estimate` has it, and change ← x − estimate.
 *
 * partial[group] ← Σ of the change times the one before, partial[groups + group] ← Σ of its square, over the voxels that fall to a
 * work-group. Its size is a power of two; `scratch` has two values an item.
 */
kernel void multiply_and_follow(
    global float *estimate, uint fieldZ, uint fieldY, uint fieldX,
    global const float *work, uint rowPitch, ulong planePitch,
    global const float *normalization, float least, global float *change,
    global ACCUMULATOR *partial, local ACCUMULATOR *scratch) {
    size_t count = (size_t)fieldZ * fieldY * fieldX;
    ACCUMULATOR product = 0, square = 0;
    for (size_t index = get_global_id(0); index < count; index += get_global_size(0)) {
        size_t x = index % fieldX, y = index / fieldX % fieldY, z = index / fieldX / fieldY;
        float weight = normalization ? normalization[index] : 1.0f;
        float factor = at_least(work[z * planePitch + y * rowPitch + x] * weight, least);
        float former = estimate[index];
        float value = former * (weight <= 0.0f ? 0.0f : factor);
        ACCUMULATOR difference = value - former;
        product += difference * change[index];
        square += difference * difference;
        estimate[index] = value;
        change[index] = value - former;
    }
    size_t item = get_local_id(0), size = get_local_size(0);
    scratch[item] = product;
    scratch[size + item] = square;
    for (size_t half_size = size / 2; half_size > 0; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_size) {
            scratch[item] += scratch[item + half_size];
            scratch[size + item] += scratch[size + item + half_size];
        }
    }
    if (item == 0) {
        partial[get_group_id(0)] = scratch[0];
        partial[get_num_groups(0) + get_group_id(0)] = scratch[size];
    }
}
