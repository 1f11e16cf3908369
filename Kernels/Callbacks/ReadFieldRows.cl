/* What the forward transform of rows reads: a field on the domain, and 0 behind the end of its rows. */
float read_field_rows(__global void *field, uint offset, __global void *unused) {
    uint row = offset / (2 * ROW_PITCH), x = offset % (2 * ROW_PITCH);
    return x < EXTENT_X ? ((__global const float *)field)[row * EXTENT_X + x] : 0.0f;
}
