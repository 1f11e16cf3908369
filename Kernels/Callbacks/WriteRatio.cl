/* What the inverse transform of rows writes instead of the projection: its ratio on the frame, as `take_ratio` has it with f = 1.
 *
 * The observed frame begins with a header: offset, background, variance and the least divisor.
 */
void write_ratio(__global void *work, uint offset, __global void *observed, float value) {
    uint row = offset / (2 * ROW_PITCH), x = offset % (2 * ROW_PITCH);
    if (x < FIRST_X || x >= END_X) return;
    __global const float *header = (__global const float *)observed;
    __global const OBSERVED *voxels = (__global const OBSERVED *)((__global const uchar *)observed + HEADER);
    float recorded = fmax((float)voxels[row * EXTENT_X + (x - FIRST_X)], 0.0f) - header[0];
    float ratio = (recorded + header[2]) / fmax(value + header[1] + header[2], header[3]);
    uint start = FIRST + row * HALF_ROW + row / ROWS * PLANE_GAP;
    ((__global float *)work)[2 * start + x] = ratio;
}
