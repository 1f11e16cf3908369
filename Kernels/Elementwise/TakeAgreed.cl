/* work ← max(whole · normalization, 0) where work is not below 0, else 1; and 0 where the normalization is 0. Null stands for 1. */
kernel void take_agreed(
    global float *work, uint rowPitch, ulong planePitch, global const float *whole, uint fieldY, uint fieldX,
    global const float *normalization) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t index = (z * fieldY + y) * fieldX + x, place = z * planePitch + y * rowPitch + x;
    float weight = normalization ? normalization[index] : 1.0f;
    float factor = work[place] < 0.0f ? 1.0f : at_least(whole[index] * weight, 0.0f);
    work[place] = weight <= 0.0f ? 0.0f : factor;
}
