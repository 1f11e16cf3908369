/* target ← real part of source · factor. */
kernel void real_part(global const float2 *source, global float *target, float factor, ulong count) {
    size_t index = get_global_id(0);
    if (index >= count) return;
    target[index] = source[index].x * factor;
}
