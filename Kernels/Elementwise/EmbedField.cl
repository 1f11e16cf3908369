/* work ← field where there is one, 0 in the rest of its planes. */
kernel void embed_field(
    global const float *field, uint fieldY, uint fieldX,
    global float *work, uint workY, uint rowPitch, ulong planePitch) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= rowPitch || y >= workY) return;
    float value = 0.0f;
    if (y < fieldY && x < fieldX) value = field[(z * fieldY + y) * fieldX + x];
    work[z * planePitch + y * rowPitch + x] = value;
}
