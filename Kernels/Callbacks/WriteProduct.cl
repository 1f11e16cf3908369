/* What the inverse transform of rows writes instead of the back projection: the estimate times it, and 0 where it is below 0. */
void write_product(__global void *estimate, uint offset, __global void *unused, float value) {
    uint row = offset / (2 * ROW_PITCH), x = offset % (2 * ROW_PITCH);
    if (x < EXTENT_X) ((__global float *)estimate)[row * EXTENT_X + x] *= value < 0.0f ? 0.0f : value;
}
