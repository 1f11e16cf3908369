/* work ← value inside a rectangle of each of some planes, 0 in the rest of them; the first of the planes is `firstPlane`. */
kernel void fill_work(
    global float *work, uint workY, uint rowPitch, ulong planePitch, float value, uint firstPlane,
    uint originY, uint originX, uint extentY, uint extentX) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2) + firstPlane;
    if (x >= rowPitch || y >= workY) return;
    int inside = is_inside(x, originX, extentX) && is_inside(y, originY, extentY);
    work[z * planePitch + y * rowPitch + x] = inside ? value : 0.0f;
}
