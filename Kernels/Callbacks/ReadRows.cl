/* What the forward transform of rows reads: the work volume in a box, and 0 beside it, whatever lies there. */
float read_rows(__global void *work, uint offset, __global void *unused) {
    uint row = offset / (2 * ROW_PITCH), x = offset % (2 * ROW_PITCH);
    if (x < FIRST_X || x >= END_X) return 0.0f;
    uint start = FIRST + row * HALF_ROW + row / ROWS * PLANE_GAP;
    return ((__global const float *)work)[2 * start + x];
}
