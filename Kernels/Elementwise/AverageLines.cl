/* target ← part · the sum of the field over 2 · radius + 1 voxels of an axis, which are 0 beyond its ends.
 *
 * The axis is 0 for z, 1 for y and 2 for x; it has `count` voxels that are `stride` apart.
 */
kernel void average_lines(
    global float *target, global const float *field, uint fieldY, uint fieldX, uint axis, uint count, ulong stride,
    uint radius, float part) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t index = (z * fieldY + y) * fieldX + x;
    size_t place = axis == 0 ? z : axis == 1 ? y : x;
    size_t first = place > radius ? place - radius : 0;
    size_t last = min(place + radius, (size_t)count - 1);
    global const float *line = field + (index - place * stride);
    float sum = 0.0f;
    for (size_t other = first; other <= last; other++) sum += line[other * stride];
    target[index] = sum * part;
}
