/* work ← PSF with its centre, voxel n/2 of each axis, on voxel (0, 0, 0), wrapped and added up where it is longer.
 *
 * One item per voxel of the work volume gathers what falls on it, so that no two items write to one place.
 */
kernel void embed_psf(
    global const float *psf, uint psfZ, uint psfY, uint psfX,
    global float *work, uint workZ, uint workY, uint workX, uint rowPitch, ulong planePitch) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= rowPitch || y >= workY) return;
    float sum = 0.0f;
    if (x < workX) {
        for (size_t pz = (z + psfZ / 2) % workZ; pz < psfZ; pz += workZ)
            for (size_t py = (y + psfY / 2) % workY; py < psfY; py += workY)
                for (size_t px = (x + psfX / 2) % workX; px < psfX; px += workX)
                    sum += psf[(pz * psfY + py) * psfX + px];
    }
    work[z * planePitch + y * rowPitch + x] = sum;
}
