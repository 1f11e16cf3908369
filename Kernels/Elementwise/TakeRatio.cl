/* work ← f·(g + s²) / max(f·work + b + s², floor) on the frame, 0 in the rest of its planes.
 *
 * g is max(observed, 0) − offset; `variance` is s²; a null sensitivity f stands for 1.
 */
kernel void take_ratio(
    global const OBSERVED *observed, global const float *sensitivity,
    global float *work, uint workY, uint rowPitch, ulong planePitch,
    uint frameZ, uint frameY, uint frameX, uint extentY, uint extentX,
    float offset, float background, float variance, float least) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= rowPitch || y >= workY) return;
    size_t target = (z + frameZ) * planePitch + y * rowPitch + x;
    float ratio = 0.0f;
    if (is_inside(y, frameY, extentY) && is_inside(x, frameX, extentX)) {
        size_t voxel = (z * extentY + (y - frameY)) * extentX + (x - frameX);
        float f = sensitivity ? sensitivity[voxel] : 1.0f;
        float recorded = at_least((float)observed[voxel], 0.0f) - offset;
        ratio = f * (recorded + variance) / at_least(f * work[target] + background + variance, least);
    }
    work[target] = ratio;
}
