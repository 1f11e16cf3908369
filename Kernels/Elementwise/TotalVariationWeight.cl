/* 1 / |∇x| at a voxel, with `flat` added to the square; no difference leads beyond the far end of an axis. */
static inline float inverse_length(
    global const float *field, size_t index, size_t z, size_t y, size_t x, uint fieldZ, uint fieldY, uint fieldX,
    float squareZ, float squareY, float squareX, float flat) {
    float value = field[index];
    float alongZ = z + 1 < fieldZ ? field[index + (size_t)fieldY * fieldX] - value : 0.0f;
    float alongY = y + 1 < fieldY ? field[index + fieldX] - value : 0.0f;
    float alongX = x + 1 < fieldX ? field[index + 1] - value : 0.0f;
    return 1.0f / sqrt(squareZ * alongZ * alongZ + squareY * alongY * alongY + squareX * alongX * alongX + flat);
}

/* target ← normalization / max(1 − strength · div(∇x / |∇x|), least) for the field x; null stands for 1.
 *
 * The squares are those of the smallest voxel size over the size along each axis.
 */
kernel void total_variation_weight(
    global float *target, global const float *field, uint fieldZ, uint fieldY, uint fieldX,
    global const float *normalization, float squareZ, float squareY, float squareX, float flat, float strength, float least) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t plane = (size_t)fieldY * fieldX, index = z * plane + y * fieldX + x;
    float value = field[index];
    float here = inverse_length(field, index, z, y, x, fieldZ, fieldY, fieldX, squareZ, squareY, squareX, flat);
    float divergence = 0.0f;
    if (z + 1 < fieldZ) divergence += squareZ * (field[index + plane] - value) * here;
    if (y + 1 < fieldY) divergence += squareY * (field[index + fieldX] - value) * here;
    if (x + 1 < fieldX) divergence += squareX * (field[index + 1] - value) * here;
    if (z > 0)
        divergence -= squareZ * (value - field[index - plane])
            * inverse_length(field, index - plane, z - 1, y, x, fieldZ, fieldY, fieldX, squareZ, squareY, squareX, flat);
    if (y > 0)
        divergence -= squareY * (value - field[index - fieldX])
            * inverse_length(field, index - fieldX, z, y - 1, x, fieldZ, fieldY, fieldX, squareZ, squareY, squareX, flat);
    if (x > 0)
        divergence -= squareX * (value - field[index - 1])
            * inverse_length(field, index - 1, z, y, x - 1, fieldZ, fieldY, fieldX, squareZ, squareY, squareX, flat);
    float weight = normalization ? normalization[index] : 1.0f;
    target[index] = weight / at_least(1.0f - strength * divergence, least);
}
