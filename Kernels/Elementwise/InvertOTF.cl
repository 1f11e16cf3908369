/* otf ← (1 + K) conj(otf) / (|size · otf|² + K): a transfer function over `size` becomes its Wiener filter over `size`. */
kernel void invert_otf(global float2 *otf, float size, float noise, ulong count) {
    size_t index = get_global_id(0);
    if (index >= count) return;
    float2 value = otf[index], whole = value * size;
    float factor = (1.0f + noise) / (whole.x * whole.x + whole.y * whole.y + noise);
    otf[index] = (float2)(value.x * factor, -value.y * factor);
}
