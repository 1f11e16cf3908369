// A root that compilers make several of at once. That of Swift's standard library calls sqrtf for errno, one number at a time.
#pragma once

static inline float square_root(float value) { return __builtin_elementwise_sqrt(value); }
