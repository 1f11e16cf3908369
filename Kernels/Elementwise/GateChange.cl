/* work ← 1 + w (max(work · normalization, 0) − 1), w = 1 − noise / max(squares, least) from 0 to 1; and 0 where the normalization is 0.
 *
 * A null normalization stands for 1.
 */
kernel void gate_change(
    global float *work, uint rowPitch, ulong planePitch, global const float *noise, global const float *squares,
    uint fieldY, uint fieldX, global const float *normalization, float least) {
    size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);
    if (x >= fieldX || y >= fieldY) return;
    size_t index = (z * fieldY + y) * fieldX + x, place = z * planePitch + y * rowPitch + x;
    float weight = normalization ? normalization[index] : 1.0f;
    float gate = at_least(1.0f - noise[index] / at_least(squares[index], least), 0.0f);
    if (gate > 1.0f) gate = 1.0f;
    float factor = 1.0f + gate * (at_least(work[place] * weight, 0.0f) - 1.0f);
    work[place] = weight <= 0.0f ? 0.0f : at_least(factor, 0.0f);
}
