/* estimate ← estimate · max(work · normalization, least); a null normalization stands for 1. */
kernel void multiply_estimate(
    global float *estimate, uint fieldY, uint fieldX,
    global const float *work, uint rowPitch, ulong planePitch,
    global const float *normalization, float least) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t index = (z * fieldY + y) * fieldX + x;
    float factor = work[z * planePitch + y * rowPitch + x];
    if (normalization) factor *= normalization[index];
    estimate[index] *= fmax(factor, least);
}
