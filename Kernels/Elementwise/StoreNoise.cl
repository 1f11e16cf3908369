/* target ← scale · spread · normalization² · V(counts) / max(counts + variance, least)², counts = work + background at the voxel of the
 * frame that is nearest; V(counts) = max(gain (counts − level) + dark, 0).
 *
 * The spread is first + sign · its values, at least 0; null spreads and normalizations stand for 1.
 */
kernel void store_noise(
    global float *target, uint fieldY, uint fieldX, global const float *work, uint rowPitch, ulong planePitch,
    uint frameZ, uint frameY, uint frameX, uint extentZ, uint extentY, uint extentX,
    global const float *spread, global const float *normalization, float first, float sign, float scale,
    float gain, float level, float dark, float background, float variance, float least) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t index = (z * fieldY + y) * fieldX + x;
    size_t nearZ = clamp(z, (size_t)frameZ, (size_t)frameZ + extentZ - 1);
    size_t nearY = clamp(y, (size_t)frameY, (size_t)frameY + extentY - 1);
    size_t nearX = clamp(x, (size_t)frameX, (size_t)frameX + extentX - 1);
    float counts = work[nearZ * planePitch + nearY * rowPitch + nearX] + background;
    float expected = at_least(counts + variance, least);
    float value = scale * at_least(gain * (counts - level) + dark, 0.0f) / expected / expected;
    if (spread) value *= at_least(first + sign * spread[index], 0.0f);
    if (normalization) value *= normalization[index] * normalization[index];
    target[index] = value;
}
