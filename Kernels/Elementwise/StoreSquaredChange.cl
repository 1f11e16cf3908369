/* target ← (max(work · normalization, 0) − 1)², and 0 where the normalization is 0; null stands for 1. */
kernel void store_squared_change(
    global float *target, uint fieldY, uint fieldX, global const float *work, uint rowPitch, ulong planePitch,
    global const float *normalization) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t index = (z * fieldY + y) * fieldX + x;
    float weight = normalization ? normalization[index] : 1.0f;
    float change = at_least(work[z * planePitch + y * rowPitch + x] * weight, 0.0f) - 1.0f;
    target[index] = weight <= 0.0f ? 0.0f : change * change;
}
