/* box ← the voxels of the work volume in a box, without gaps. */
kernel void extract_box(
    global float *box, uint extentY, uint extentX,
    global const float *work, uint rowPitch, ulong planePitch, uint originZ, uint originY, uint originX) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= extentX || y >= extentY) return;
    box[(z * extentY + y) * extentX + x] = work[(z + originZ) * planePitch + (y + originY) * rowPitch + x + originX];
}
