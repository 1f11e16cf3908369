/* work ← f on the frame, 0 in the rest of its planes; a null sensitivity f stands for 1. */
kernel void fill_work(
    global float *work, uint workY, uint rowPitch, ulong planePitch, global const float *sensitivity,
    uint frameZ, uint frameY, uint frameX, uint extentY, uint extentX) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= rowPitch || y >= workY) return;
    float value = 0.0f;
    if (is_inside(y, frameY, extentY) && is_inside(x, frameX, extentX))
        value = sensitivity ? sensitivity[(z * extentY + (y - frameY)) * extentX + (x - frameX)] : 1.0f;
    work[(z + frameZ) * planePitch + y * rowPitch + x] = value;
}
