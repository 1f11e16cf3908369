/* work ← 1 − work in a box at the first voxel. */
kernel void complement_work(
    global float *work, uint rowPitch, ulong planePitch, uint extentY, uint extentX) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= extentX || y >= extentY) return;
    size_t index = z * planePitch + y * rowPitch + x;
    work[index] = 1.0f - work[index];
}
