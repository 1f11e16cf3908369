/* work ← f·(g − y), y = scale·f·work + background, on the frame, 0 in the rest of its planes and where f = 0; with a variance
 * of 0 or more f·(max(g, 0) − y) / max(y + variance, least). A null sensitivity f stands for 1.
 */
kernel void take_difference(
    global const OBSERVED *observed, global const float *sensitivity,
    global float *work, uint workY, uint rowPitch, ulong planePitch,
    uint frameZ, uint frameY, uint frameX, uint extentY, uint extentX, float background, float scale, float variance,
    float least) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= rowPitch || y >= workY) return;
    size_t target = (z + frameZ) * planePitch + y * rowPitch + x;
    float difference = 0.0f;
    if (is_inside(y, frameY, extentY) && is_inside(x, frameX, extentX)) {
        size_t voxel = (z * extentY + (y - frameY)) * extentX + (x - frameX);
        float f = sensitivity ? sensitivity[voxel] : 1.0f;
        float g = (float)observed[voxel], expected = scale * f * work[target] + background;
        if (f > 0.0f) difference = f * (variance < 0.0f ? g - expected
            : (at_least(g, 0.0f) - expected) / at_least(expected + variance, least));
    }
    work[target] = difference;
}
