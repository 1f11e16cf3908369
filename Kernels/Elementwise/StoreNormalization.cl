/* normalization ← 1 / work where work > least, else 0. */
kernel void store_normalization(
    global float *normalization, uint fieldY, uint fieldX,
    global const float *work, uint rowPitch, ulong planePitch, float least) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    float value = work[z * planePitch + y * rowPitch + x];
    normalization[(z * fieldY + y) * fieldX + x] = value > least ? 1.0f / value : 0.0f;
}
