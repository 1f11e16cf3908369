/* target ← (W · work − 1) (W · (2 · whole − work) − 1) with the normalization W, and 0 where that is 0; null stands for 1. */
kernel void store_agreement(
    global float *target, global const float *whole, uint fieldY, uint fieldX,
    global const float *work, uint rowPitch, ulong planePitch, global const float *normalization) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t index = (z * fieldY + y) * fieldX + x;
    float weight = normalization ? normalization[index] : 1.0f;
    float part = work[z * planePitch + y * rowPitch + x];
    float product = (weight * part - 1.0f) * (weight * (2.0f * whole[index] - part) - 1.0f);
    target[index] = weight <= 0.0f ? 0.0f : product;
}
