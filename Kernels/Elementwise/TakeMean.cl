/* work ← √(factor · max(work · normalization, 0)); one of them where the factor is below 0 or the normalization is 0, and 0 where both are.
   Null stands for 1. */
kernel void take_mean(
    global float *work, uint rowPitch, ulong planePitch, global const float *factor, uint fieldY, uint fieldX,
    global const float *normalization) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t index = (z * fieldY + y) * fieldX + x, place = z * planePitch + y * rowPitch + x;
    float weight = normalization ? normalization[index] : 1.0f;
    float first = factor[index], second = at_least(work[place] * weight, 0.0f);
    float known = first < 0.0f ? second : sqrt(first * second);
    work[place] = weight <= 0.0f ? at_least(first, 0.0f) : known;
}
