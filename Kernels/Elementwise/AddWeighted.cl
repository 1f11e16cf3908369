/* A weight between nodes along z of those between nodes along y of those between nodes along x. */
static inline float between(float near, float far, float fraction) { return near + fraction * (far - near); }

/* sum ← sum + weight · source in a box of the domain, or weight · source alone; null weights stand for 1.
 *
 * The places of a voxel's plane, row and column among the nodes are the node before it and the part of the way to the next. */
kernel void add_weighted(
    global float *sum, uint fieldZ, uint fieldY, uint fieldX,
    global const float *source, uint rowPitch, ulong planePitch,
    uint originZ, uint originY, uint originX, uint extentZ, uint extentY, uint extentX,
    uint nodesZ, uint nodesY, uint nodesX, global const float *nodes, global const float2 *places, uint replaces) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= extentX || y >= extentY) return;
    x += originX, y += originY, z += originZ;
    float weight = 1.0f;
    if (nodes) {
        float2 plane = places[z], row = places[fieldZ + y], column = places[fieldZ + fieldY + x];
        uint z0 = (uint)plane.x, z1 = min(z0 + 1, nodesZ - 1);
        uint y0 = (uint)row.x, y1 = min(y0 + 1, nodesY - 1);
        uint x0 = (uint)column.x, x1 = min(x0 + 1, nodesX - 1);
        float values[2];
        for (uint side = 0; side < 2; side++) {
            uint nx = side ? x1 : x0;
            float near = between(nodes[(z0 * nodesY + y0) * nodesX + nx], nodes[(z0 * nodesY + y1) * nodesX + nx], row.y);
            float far = between(nodes[(z1 * nodesY + y0) * nodesX + nx], nodes[(z1 * nodesY + y1) * nodesX + nx], row.y);
            values[side] = between(near, far, plane.y);
        }
        weight = between(values[0], values[1], column.y);
    }
    size_t index = (z * fieldY + y) * fieldX + x;
    float value = weight * source[z * planePitch + y * rowPitch + x];
    sum[index] = replaces ? value : sum[index] + value;
}
