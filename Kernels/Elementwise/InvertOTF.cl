/* λ l² at a place of the spectrum, l = Σ square · 4 sin²(π k / n); `smoothness` is λ. */
static inline float penalty_at(
    size_t index, uint workZ, uint workY, uint workX, ulong planePitch, uint halfRow,
    float squareZ, float squareY, float squareX, float smoothness) {
    if (smoothness <= 0.0f) return 0.0f;
    size_t z = index / planePitch, inPlane = index % planePitch;
    float sineZ = sinpi((float)z / (float)workZ);
    float sineY = sinpi((float)(inPlane / halfRow) / (float)workY);
    float sineX = sinpi((float)(inPlane % halfRow) / (float)workX);
    float l = 4.0f * (squareZ * sineZ * sineZ + squareY * sineY * sineY + squareX * sineX * sineX);
    return smoothness * l * l;
}

/* otf ← (1 + K) conj(otf) / (|size · otf|² + K + λ l²): a transfer function over `size` becomes its filter over `size`.
 *
 * The squares are those of the smallest voxel size over the size along each axis.
 */
kernel void invert_otf(
    global float2 *otf, uint workZ, uint workY, uint workX, ulong planePitch, uint halfRow,
    float squareZ, float squareY, float squareX, float size, float noise, float smoothness, float least, ulong count) {
    size_t index = get_global_id(0);
    if (index >= count) return;
    float2 value = otf[index], whole = value * size;
    float penalty = penalty_at(index, workZ, workY, workX, planePitch, halfRow, squareZ, squareY, squareX, smoothness);
    float factor = (1.0f + noise) / at_least(whole.x * whole.x + whole.y * whole.y + noise + penalty, least);
    otf[index] = (float2)(value.x * factor, -value.y * factor);
}
