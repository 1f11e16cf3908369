/* A value, or its root where there is a floor, which it counts for at least. */
static inline float curved_value(global const float *field, size_t index, float floor) {
    return floor > 0.0f ? sqrt(at_least(field[index], floor)) : field[index];
}

/* Δ of a field, or of its roots, at a voxel; no difference leads beyond the ends of an axis. */
static inline float curvature_at(
    global const float *field, size_t index, size_t z, size_t y, size_t x, uint fieldZ, uint fieldY, uint fieldX,
    float squareZ, float squareY, float squareX, float floor) {
    size_t plane = (size_t)fieldY * fieldX;
    float value = curved_value(field, index, floor);
    float alongZ = 0.0f, alongY = 0.0f, alongX = 0.0f;
    if (z + 1 < fieldZ) alongZ += curved_value(field, index + plane, floor) - value;
    if (z > 0) alongZ += curved_value(field, index - plane, floor) - value;
    if (y + 1 < fieldY) alongY += curved_value(field, index + fieldX, floor) - value;
    if (y > 0) alongY += curved_value(field, index - fieldX, floor) - value;
    if (x + 1 < fieldX) alongX += curved_value(field, index + 1, floor) - value;
    if (x > 0) alongX += curved_value(field, index - 1, floor) - value;
    return squareZ * alongZ + squareY * alongY + squareX * alongX;
}

/* target ← normalization / max(1 − strength · Δx, least) for the field x; with a floor above 0 normalization /
 * max(1 − strength · Δv / v, least) for v = √max(x, floor). Null stands for 1.
 *
 * The squares are those of the smallest voxel size over the size along each axis.
 */
kernel void curvature_weight(
    global float *target, global const float *field, uint fieldZ, uint fieldY, uint fieldX,
    global const float *normalization, float squareZ, float squareY, float squareX, float floor, float strength, float least) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t index = ((size_t)z * fieldY + y) * fieldX + x;
    float curvature =
        curvature_at(field, index, z, y, x, fieldZ, fieldY, fieldX, squareZ, squareY, squareX, floor);
    if (floor > 0.0f) curvature /= curved_value(field, index, floor);
    float weight = normalization ? normalization[index] : 1.0f;
    target[index] = weight / at_least(1.0f - strength * curvature, least);
}
