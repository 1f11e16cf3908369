/* What the inverse transform of columns writes: the planes that are read afterwards, and nothing elsewhere. */
void write_output_planes(__global void *output, uint offset, __global void *transfer, float2 value) {
    __global const uint *header = (__global const uint *)transfer;
    if (offset >= header[3] && offset < header[4]) ((__global float2 *)output)[offset] = value;
}
