/* What the forward transform of columns writes where the transfer function is real. */
void write_times_real_otf(__global void *output, uint offset, __global void *transfer, float2 value) {
    ((__global float2 *)output)[offset] = value * ((__global const float *)transfer + HEADER / 4)[offset];
}
