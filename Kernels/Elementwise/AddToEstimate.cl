/* estimate ← max(estimate + factor · work, 0). */
kernel void add_to_estimate(
    global float *estimate, uint fieldY, uint fieldX,
    global const float *work, uint rowPitch, ulong planePitch, float factor) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t index = (z * fieldY + y) * fieldX + x;
    estimate[index] = at_least(estimate[index] + factor * work[z * planePitch + y * rowPitch + x], 0.0f);
}
