/* What the inverse transform of rows reads: half spectra, row for row of a box of the work volume. */
float2 read_row_spectra(__global void *work, uint offset, __global void *unused) {
    uint row = offset / ROW_PITCH, x = offset % ROW_PITCH;
    uint start = FIRST + row * HALF_ROW + row / ROWS * PLANE_GAP;
    return ((__global const float2 *)work)[start + x];
}
