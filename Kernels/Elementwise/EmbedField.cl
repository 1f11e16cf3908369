/* work ← field in a box of the domain, 0 in the rest of its planes. */
kernel void embed_field(
    global const float *field, uint fieldY, uint fieldX,
    global float *work, uint workY, uint rowPitch, ulong planePitch,
    uint originZ, uint originY, uint originX, uint extentY, uint extentX) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2) + originZ;
    if (x >= rowPitch || y >= workY) return;
    float value = 0.0f;
    if (is_inside(y, originY, extentY) && is_inside(x, originX, extentX)) value = field[(z * fieldY + y) * fieldX + x];
    work[z * planePitch + y * rowPitch + x] = value;
}
