/* field ← max(observed − offset, least) on the frame, `outside` in the rest of the domain. */
kernel void fill_from_observed(
    global float *field, uint fieldY, uint fieldX, global const OBSERVED *observed,
    uint frameZ, uint frameY, uint frameX, uint extentZ, uint extentY, uint extentX,
    float offset, float least, float outside) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    float value = outside;
    if (is_inside(x, frameX, extentX) && is_inside(y, frameY, extentY) && is_inside(z, frameZ, extentZ)) {
        size_t recorded = ((z - frameZ) * extentY + (y - frameY)) * extentX + (x - frameX);
        value = fmax((float)observed[recorded] - offset, least);
    }
    field[(z * fieldY + y) * fieldX + x] = value;
}
