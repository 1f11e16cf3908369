/* field ← max((observed − offset) / f, least) on the frame, `outside` where f = 0 and in the rest of the domain.
 *
 * A null sensitivity f stands for 1.
 */
kernel void fill_from_observed(
    global float *field, uint fieldY, uint fieldX, global const OBSERVED *observed, global const float *sensitivity,
    uint frameZ, uint frameY, uint frameX, uint extentZ, uint extentY, uint extentX,
    float offset, float least, float outside) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    float value = outside;
    if (is_inside(x, frameX, extentX) && is_inside(y, frameY, extentY) && is_inside(z, frameZ, extentZ)) {
        size_t recorded = ((z - frameZ) * extentY + (y - frameY)) * extentX + (x - frameX);
        float f = sensitivity ? sensitivity[recorded] : 1.0f;
        if (f > 0.0f) value = at_least(((float)observed[recorded] - offset) / f, least);
    }
    field[(z * fieldY + y) * fieldX + x] = value;
}
