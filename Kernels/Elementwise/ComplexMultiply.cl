/* spectrum ← spectrum · otf, or · conj(otf) where `sign` is −1: the adjoint of a blur has the conjugate transfer function. */
kernel void complex_multiply(global float2 *spectrum, global const float2 *otf, float sign, ulong count) {
    size_t index = get_global_id(0);
    if (index >= count) return;
    float2 a = spectrum[index], b = otf[index];
    b.y *= sign;
    spectrum[index] = (float2)(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}
