/* What the forward transform of columns writes: the spectrum times the transfer function, or its conjugate. */
void write_times_otf(__global void *output, uint offset, __global void *transfer, float2 value) {
    float2 otf = ((__global const float2 *)transfer + HEADER / 8)[offset];
    otf.y *= ((__global const float *)transfer)[0];
    ((__global float2 *)output)[offset] = (float2)(value.x * otf.x - value.y * otf.y, value.x * otf.y + value.y * otf.x);
}
