/* target ← source · factor. */
kernel void scale_spectrum(global const float2 *source, global float2 *target, float factor, ulong count) {
    size_t index = get_global_id(0);
    if (index >= count) return;
    target[index] = source[index] * factor;
}
