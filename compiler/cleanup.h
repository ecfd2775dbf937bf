#ifndef COMPILER_CLEANUP_H
#define COMPILER_CLEANUP_H
/**
 * @file
 * Values that are given back when they go out of scope, on every way out:
 *
 *     CLEANUP(sbuf) text = { 0 };
 *
 * calls sbuf_release(&text). Any struct x with an x_release() will do.
 */
#define CLEANUP(type) __attribute__((cleanup(type##_release))) struct type

#endif
