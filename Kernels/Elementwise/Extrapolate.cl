/* estimate ← max(x + momentum · (x − former), 0), former ← x, where x is the estimate; the former one is not read where the
 * momentum is 0. */
kernel void extrapolate(global float *estimate, global float *former, float momentum, ulong count) {
    size_t index = get_global_id(0);
    if (index >= count) return;
    float value = estimate[index];
    if (momentum > 0.0f) estimate[index] = at_least(value + momentum * (value - former[index]), 0.0f);
    former[index] = value;
}
