/* What transforms along y write: lines through some planes of the work volume, in the rows that are read afterwards. */
void write_lines(__global void *work, uint offset, __global void *unused, float2 value) {
    uint y = offset / LINE_PITCH, line = offset % LINE_PITCH;
    if (y < FIRST_ROW || y >= END_ROW) return;
    uint start = FIRST + line + line / HALF_ROW * LINE_GAP;
    ((__global float2 *)work)[start + y * HALF_ROW] = value;
}
