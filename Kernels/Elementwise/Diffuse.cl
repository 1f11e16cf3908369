/* target ← x + factor · Δx for the field x, Δ as in curvature_weight. */
kernel void diffuse(
    global float *target, global const float *field, uint fieldZ, uint fieldY, uint fieldX,
    float squareZ, float squareY, float squareX, float factor) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t index = ((size_t)z * fieldY + y) * fieldX + x;
    target[index] = field[index]
        + factor * curvature_at(field, index, z, y, x, fieldZ, fieldY, fieldX, squareZ, squareY, squareX, 0.0f);
}
