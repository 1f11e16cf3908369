/* The block of a counter: four random words. Philox4x32-10 (Salmon et al. 2011, SC11, doi:10.1145/2063384.2063405). */
static inline uint4 philox(uint4 counter, uint2 key) {
    for (int round = 0; round < 10; round++) {
        uint2 low = (uint2)(counter.x * 0xd2511f53u, counter.z * 0xcd9e8d57u);
        uint2 high = (uint2)(mul_hi(counter.x, 0xd2511f53u), mul_hi(counter.z, 0xcd9e8d57u));
        counter = (uint4)(high.y ^ counter.y ^ key.x, low.y, high.x ^ counter.w ^ key.y, low.x);
        key += (uint2)(0x9e3779b9u, 0xbb67ae85u);
    }
    return counter;
}

/* The heads among the first `coins` bits of a word, if there are so many. */
static inline int heads_of(uint word, int coins) {
    if (coins <= 0) return 0;
    return (int)popcount(coins >= 32 ? word : word & ((1u << coins) - 1u));
}

/* By how much a random half of as many photons exceeds the mean half, by the coins of a block. */
static inline float excess_of(uint4 words, float photons) {
    if (!(photons < 128.0f)) {
        uint4 counts = popcount(words);
        return (float)((int)(counts.x + counts.y + counts.z + counts.w) - 64) * sqrt(photons / 128.0f);
    }
    int whole = (int)photons;
    int heads = heads_of(words.x, whole) + heads_of(words.y, whole - 32) + heads_of(words.z, whole - 64)
        + heads_of(words.w, whole - 96);
    uint word = whole < 32 ? words.x : whole < 64 ? words.y : whole < 96 ? words.z : words.w;
    float last = (float)((word >> (whole & 31)) & 1u) - 0.5f;
    return (float)heads - 0.5f * (float)whole + sqrt(photons - (float)whole) * last;
}

/* work ← f·(g + 2 · gain · excess + s²) / max(f·work + b + s², floor) on the frame, 0 in the rest of its planes.
 *
 * g is max(observed, 0) − offset; `variance` is s²; a null sensitivity f stands for 1. The excess is that of a random half of the photons
 * max(gain (max(observed, 0) − level) + dark, 0) / gain², drawn by the place from the origin of the image on, and the step.
 */
kernel void take_half_ratio(
    global const OBSERVED *observed, global const float *sensitivity,
    global float *work, uint workY, uint rowPitch, ulong planePitch,
    uint frameZ, uint frameY, uint frameX, uint extentY, uint extentX,
    float offset, float background, float variance, float least, float gain, float level, float dark,
    uint seed, uint stream, uint originZ, uint originY, uint originX, uint step) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= rowPitch || y >= workY) return;
    size_t target = (z + frameZ) * planePitch + y * rowPitch + x;
    float ratio = 0.0f;
    if (is_inside(y, frameY, extentY) && is_inside(x, frameX, extentX)) {
        size_t voxel = (z * extentY + (y - frameY)) * extentX + (x - frameX);
        float f = sensitivity ? sensitivity[voxel] : 1.0f;
        float counts = at_least((float)observed[voxel], 0.0f);
        float photons = at_least(gain * (counts - level) + dark, 0.0f) / (gain * gain);
        uint4 counter = (uint4)((uint)x - originX, (uint)y - originY, (uint)(z + frameZ) - originZ, step);
        float half_counts = counts + 2.0f * gain * excess_of(philox(counter, (uint2)(seed, stream)), photons);
        ratio = f * (half_counts - offset + variance) / at_least(f * work[target] + background + variance, least);
    }
    work[target] = ratio;
}
