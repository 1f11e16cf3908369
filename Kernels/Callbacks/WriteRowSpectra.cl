/* What the forward transform of rows writes: half spectra, row for row of a box of the work volume. */
void write_row_spectra(__global void *work, uint offset, __global void *unused, float2 value) {
    uint row = offset / ROW_PITCH, x = offset % ROW_PITCH;
    uint start = FIRST + row * HALF_ROW + row / ROWS * PLANE_GAP;
    ((__global float2 *)work)[start + x] = value;
}
