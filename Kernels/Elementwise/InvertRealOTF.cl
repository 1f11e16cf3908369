/* otf ← (1 + K) otf / ((size · otf)² + K): the same as invert_otf, where the transfer function is real. */
kernel void invert_real_otf(global float *otf, float size, float noise, ulong count) {
    size_t index = get_global_id(0);
    if (index >= count) return;
    float value = otf[index], whole = value * size;
    otf[index] = value * ((1.0f + noise) / (whole * whole + noise));
}
