/* target ← max(work · normalization, 0); −1 where the normalization is 0. Null stands for 1. */
kernel void store_factor(
    global float *target, uint fieldY, uint fieldX, global const float *work, uint rowPitch, ulong planePitch,
    global const float *normalization) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t index = (z * fieldY + y) * fieldX + x;
    float weight = normalization ? normalization[index] : 1.0f;
    float factor = at_least(work[z * planePitch + y * rowPitch + x] * weight, 0.0f);
    target[index] = weight <= 0.0f ? -1.0f : factor;
}
