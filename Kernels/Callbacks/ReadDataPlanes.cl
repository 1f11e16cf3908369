/* What the forward transform of columns reads: 0 outside the planes that hold data, whatever lies there. */
float2 read_data_planes(__global void *input, uint offset, __global void *transfer) {
    __global const uint *header = (__global const uint *)transfer;
    if (offset < header[1] || offset >= header[2]) return (float2)(0.0f, 0.0f);
    return ((__global const float2 *)input)[offset];
}
