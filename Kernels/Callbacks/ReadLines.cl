/* What transforms along y read: lines through some planes of the work volume, and 0 beyond the rows that hold data. */
float2 read_lines(__global void *work, uint offset, __global void *unused) {
    uint y = offset / LINE_PITCH, line = offset % LINE_PITCH;
    if (y < FIRST_ROW || y >= END_ROW) return (float2)(0.0f, 0.0f);
    uint start = FIRST + line + line / HALF_ROW * LINE_GAP;
    return ((__global const float2 *)work)[start + y * HALF_ROW];
}
