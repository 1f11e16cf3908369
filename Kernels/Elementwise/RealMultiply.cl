/* spectrum ← spectrum · otf, where the transfer function is real, and so its own conjugate. */
kernel void real_multiply(global float2 *spectrum, global const float *otf, ulong count) {
    size_t index = get_global_id(0);
    if (index >= count) return;
    spectrum[index] *= otf[index];
}
