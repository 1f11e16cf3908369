/* field ← value inside a box, 0 outside. */
kernel void fill_field(
    global float *field, uint fieldY, uint fieldX, float value,
    uint originZ, uint originY, uint originX, uint extentZ, uint extentY, uint extentX) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    int inside = is_inside(x, originX, extentX) && is_inside(y, originY, extentY) && is_inside(z, originZ, extentZ);
    field[(z * fieldY + y) * fieldX + x] = inside ? value : 0.0f;
}
