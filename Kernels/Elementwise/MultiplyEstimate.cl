/* estimate ← scale · estimate · max((plus + work) · normalization, least), and 0 where the normalization is 0; null stands for 1. */
kernel void multiply_estimate(
    global float *estimate, uint fieldY, uint fieldX,
    global const float *work, uint rowPitch, ulong planePitch,
    global const float *normalization, float plus, float least, float scale) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t index = (z * fieldY + y) * fieldX + x;
    float weight = normalization ? normalization[index] : 1.0f;
    float factor = at_least((plus + work[z * planePitch + y * rowPitch + x]) * weight, least);
    estimate[index] *= weight <= 0.0f ? 0.0f : scale * factor;
}
