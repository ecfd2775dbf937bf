#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H
/**
 * @file
 * A fuzz target: one input, any bytes. It aborts when a promise is broken.
 *
 * libFuzzer calls it (`make fuzz`); so does driver.c, on files (tests/fuzz/run).
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/** @return 0 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
