/* As `write_product`, with the back projection times the normalization. */
void write_weighted_product(__global void *estimate, uint offset, __global void *normalization, float value) {
    uint row = offset / (2 * ROW_PITCH), x = offset % (2 * ROW_PITCH);
    if (x >= EXTENT_X) return;
    uint index = row * EXTENT_X + x;
    float factor = value * ((__global const float *)normalization)[index];
    ((__global float *)estimate)[index] *= factor < 0.0f ? 0.0f : factor;
}
