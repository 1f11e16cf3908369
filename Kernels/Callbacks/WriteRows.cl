/* What the inverse transform of rows writes: the voxels of a box, back to their places in the work volume. */
void write_rows(__global void *work, uint offset, __global void *unused, float value) {
    uint row = offset / (2 * ROW_PITCH), x = offset % (2 * ROW_PITCH);
    uint start = FIRST + row * HALF_ROW + row / ROWS * PLANE_GAP;
    ((__global float *)work)[2 * start + x] = value;
}
