/* normalization ← 0 where work is at most `least`, else 1 / work. */
kernel void store_normalization(
    global float *normalization, uint fieldY, uint fieldX,
    global const float *work, uint rowPitch, ulong planePitch, float least) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    float value = work[z * planePitch + y * rowPitch + x];
    normalization[(z * fieldY + y) * fieldX + x] = value <= least ? 0.0f : 1.0f / value;
}
