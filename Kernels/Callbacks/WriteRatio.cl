/* What the inverse transform of rows writes instead of the projection: its ratio on the frame, as `take_ratio` has it with f = 1.
 *
 * The observed frame begins with a header: offset, background, variance and the least divisor.
 */
void write_ratio(__global void *work, uint offset, __global void *observed, float value) {
    uint row = offset / (2 * ROW_PITCH), x = offset % (2 * ROW_PITCH);
    if (x < FIRST_X || x >= END_X) return;
    __global const float *header = (__global const float *)observed;
    __global const OBSERVED *voxels = (__global const OBSERVED *)((__global const uchar *)observed + HEADER);
    float voxel = (float)voxels[row * EXTENT_X + (x - FIRST_X)], model = value + header[1] + header[2];
    float recorded = (voxel < 0.0f ? 0.0f : voxel) - header[0];
    float ratio = (recorded + header[2]) / (model < header[3] ? header[3] : model);
    uint start = FIRST + row * HALF_ROW + row / ROWS * PLANE_GAP;
    ((__global float *)work)[2 * start + x] = ratio;
}
