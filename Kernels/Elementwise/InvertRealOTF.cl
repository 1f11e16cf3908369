/* otf ← (1 + K) otf / ((size · otf)² + K + λ l²): the same as invert_otf, where the transfer function is real. */
kernel void invert_real_otf(
    global float *otf, uint workZ, uint workY, uint workX, ulong planePitch, uint halfRow,
    float squareZ, float squareY, float squareX, float size, float noise, float smoothness, float least, ulong count) {
    size_t index = get_global_id(0);
    if (index >= count) return;
    float value = otf[index], whole = value * size;
    float penalty = penalty_at(index, workZ, workY, workX, planePitch, halfRow, squareZ, squareY, squareX, smoothness);
    otf[index] = value * ((1.0f + noise) / at_least(whole * whole + noise + penalty, least));
}
